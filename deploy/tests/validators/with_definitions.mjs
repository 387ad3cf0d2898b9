// Objects of the kinds that Prometheus' operator and the Gateway API bring, held against what was generated from their definitions: by
// the validator for what their fields may be, and by TypeScript's compiler for fields that they do not have.
//
//     node with_definitions.mjs FILE...
//
// It runs where its packages are: a folder with node_modules.

import assert from "node:assert";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";

const kinds = {
    HTTPRoute: [HTTPRoute, "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute"],
    ServiceMonitor: [ServiceMonitor, "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor"],
};
const refused = (check) => assert.throws(check, "what is held here holds something");

/// Compiles each object as a literal of its kind's type.
function compile(objects) {
    const imports = Object.entries(kinds).map(([kind, [, path]]) => `import type { I${kind} } from "${path}";`);
    const literals = objects.map((object, at) => `export const o${at}: I${object.kind} = ${JSON.stringify(object)};`);
    writeFileSync("objects.ts", [...imports, ...literals].join("\n"));
    const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"];
    execFileSync("node_modules/.bin/tsc", [...flags, "objects.ts"], { stdio: "pipe" });
}

const all = process.argv.slice(2).flatMap((path) => {
    const objects = parseAllDocuments(readFileSync(path, "utf8")).map((document) => document.toJS());
    for (const object of objects) {
        new kinds[object.kind][0](object).validate();
        const inner = object.spec.endpoints ? "endpoints" : "rules";
        refused(() => new kinds[object.kind][0]({ ...object, spec: { ...object.spec, [inner]: "none" } }).validate());
        console.log(`  ${path}`);
    }
    return objects;
});
assert(all.length > 0, "name the files");
try {
    compile(all);
} catch (error) {
    throw new Error(error.stdout?.toString() ?? error);
}
const [object] = all;
refused(() => compile([{ ...object, spec: { ...object.spec, nonsense: 1 } }]));
