//! The environment variables that are read where no command line is: by the macros, in a program that has models, for a store or a
//! registry. A service's options have variables of their own, named after them; none may be one of these.

/// Which instruction set the kernels take, instead of the best that the CPU has. Read by programs.
pub const ISA: &str = "MODELDEPLOY_ISA";

/// The folder of packs that were left beside a program. Read by programs.
pub const PACKS: &str = "MODELDEPLOY_PACKS";

/// How many threads work on a text. Read by programs.
pub const THREADS: &str = "MODELDEPLOY_THREADS";

/// Where the store is, if it is not beside `Model.lock`. Read by the command, the macros and debug builds.
pub const STORE: &str = "MODELDEPLOY_STORE";

/// The registry that a version without an address is looked for in. Read by the command.
pub const REGISTRY: &str = "MODELDEPLOY_REGISTRY";

/// `1`: link weights also where debug assertions are on. Set by the command for the macros.
pub const LINK: &str = "MODELDEPLOY_LINK";

/// How weights get into a program. Set by the command for the macros; who calls cargo alone may set it.
pub const PLACE: &str = "MODELDEPLOY_PLACE";

/// The bill that goes into a program. Set by the command for the macros.
pub const BILL: &str = "MODELDEPLOY_BILL";

/// All of them.
pub const ALL: [&str; 8] = [ISA, PACKS, THREADS, STORE, REGISTRY, LINK, PLACE, BILL];

/// What a build alone reads. `cargo modeldeploy run` starts a program from a build's environment, so that programs meet them too.
pub const OF_BUILDS: [&str; 3] = [LINK, PLACE, BILL];
