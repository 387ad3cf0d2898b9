//! Of values side by side the one that is all that is read is that value, so that what is not read is not computed (networks only).

use crate::graph::{Graph, ValueId};
use crate::ops::{Concat, Op, Slice};

pub(super) fn run(graph: &mut Graph) {
    if !graph.is_network() {
        return;
    }
    for id in graph.order() {
        if let Some(part) = part(graph, id) {
            graph.replace_uses(id, part);
        }
    }
}

/// The input of a concatenation that a slice takes out.
fn part(graph: &Graph, id: ValueId) -> Option<ValueId> {
    let node = graph.node(id);
    let Op::Slice(Slice { axis, start, len }) = node.op else { return None };
    let joined = graph.node(node.inputs[0]);
    if joined.op != Op::from(Concat { axis }) {
        return None;
    }
    let mut at = 0;
    joined.inputs.iter().copied().find(|&input| {
        let ty = graph.ty(input);
        // One of the user beside candidates has no axis of theirs.
        let own = (ty == graph.ty(id)).then(|| ty.shape[axis].fixed()).flatten();
        let found = at == start && own == Some(len);
        let skipped = graph.ty(node.inputs[0]).rank() - ty.rank();
        at += ty.shape.get(axis - skipped.min(axis)).and_then(|dim| dim.fixed()).unwrap_or(0);
        found
    })
}

#[cfg(test)]
mod tests {
    use crate::passes::testing::{check, untouched};

    const X: &str = r#"
        %c = input{of=numbers, with=candidates, column=0, count=3}() "c"
        %d = relu(%c)
        %x = concat{axis=1}(%c, %d)"#;

    #[test]
    fn one_part_is_the_value() {
        let after = "%c = input{of=numbers, with=candidates, column=0, count=3}() \"c\"\n%d = relu(%c)\noutput %d";
        check("taken", &format!("{X}\n%y = slice{{axis=1, start=3, len=3}}(%x)\noutput %y"), after);
    }

    #[test]
    fn a_part_of_two_stays() {
        untouched("taken", &format!("{X}\n%y = slice{{axis=1, start=2, len=3}}(%x)\noutput %y"));
    }
}
