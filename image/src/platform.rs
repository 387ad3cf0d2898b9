//! What a program runs on, and whether it runs in an empty root: read from its own headers.

use crate::Error;
use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, FileKind};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a program or an image runs on, in the words of OCI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// As `GOARCH` has it: `amd64`, `arm64`.
    pub architecture: String,
    /// As `GOOS` has it: `linux`.
    pub os: String,
    /// A version of the processor, such as `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

/// The processors that images have names for.
const PROCESSORS: [(elf::Machine, &str); 4] =
    [(elf::EM_X86_64, "amd64"), (elf::EM_AARCH64, "arm64"), (elf::EM_RISCV, "riscv64"), (elf::EM_S390, "s390x")];

/// What `program` runs on, if it needs nothing but the kernel.
///
/// # Errors
///
/// If it is no executable for Linux, or asks for a loader or libraries, which an empty root does not have.
pub fn of_static(program: &[u8]) -> Result<Platform, Error> {
    let damaged = |error: object::Error| Error::program(format!("it cannot be read: {error}"));
    match FileKind::parse(program) {
        Ok(FileKind::Elf64) => read::<elf::FileHeader64<Endianness>>(program).map_err(damaged)?,
        Ok(FileKind::Elf32) => read::<elf::FileHeader32<Endianness>>(program).map_err(damaged)?,
        _ => Err(Error::program("it is no ELF executable, which is what Linux runs")),
    }
}

fn read<H: FileHeader<Endian = Endianness>>(program: &[u8]) -> object::Result<Result<Platform, Error>> {
    let header = H::parse(program)?;
    let endian = header.endian()?;
    if !matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN) {
        return Ok(Err(Error::program("it is an object file, not linked")));
    }
    for segment in header.program_headers(endian, program)? {
        if let Some(loader) = segment.interpreter(endian, program)? {
            let loader = String::from_utf8_lossy(loader);
            return Ok(Err(Error::program(format!(
                "it is linked dynamically: it asks for the loader {loader}, and an empty root has none"
            ))));
        }
        if let Some(entries) = segment.dynamic(endian, program)?
            && entries.iter().any(|entry| entry.tag(endian) == elf::DT_NEEDED)
        {
            return Ok(Err(Error::program("it asks for libraries, and an empty root has none")));
        }
    }
    if header.e_entry(endian).into() == 0 {
        return Ok(Err(Error::program("it has no entry point: it is a library")));
    }
    let machine = header.e_machine(endian);
    let known = PROCESSORS.iter().find(|(number, ..)| *number == machine);
    Ok(match known {
        Some((_, name)) => Ok(Platform { architecture: (*name).into(), os: "linux".into(), variant: None }),
        None => Err(Error::program(format!(
            "it is for a processor (ELF machine {}) that images have no name for",
            machine.0
        ))),
    })
}
