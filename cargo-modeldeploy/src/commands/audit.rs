//! `audit`: which models are inside a program, proved without running it.

use super::verify::of_lock;
use crate::advisories;
use crate::around;
use crate::audited;
use crate::believed::{believed, beside as signatures_of, trusted};
use crate::beside;
use crate::exit::Failure;
use crate::imaged;
use crate::output::Output;
use crate::running::{self, Way};
use modeldeploy_audit::{Audit, Refusal, audit};
use modeldeploy_compiler::diagnostic::{Code, Diagnostic};
use modeldeploy_compiler::store::{Mapping, map};
use modeldeploy_format::Digest;
use modeldeploy_format::lock::{FILE_NAME, Lock};
use modeldeploy_image::read::Found;
use std::path::{Path, PathBuf};

/// A file that is no program, or one that cannot be read.
const UNREADABLE: Code = Code("MD1001");
/// A program whose parts do not match.
const ALTERED: Code = Code("MD1002");

const EXAMPLES: &str = "\
Examples:
  cargo modeldeploy audit target/release/shop
  cargo modeldeploy audit /usr/local/bin/shop --format json
  cargo modeldeploy audit shop --advisories advisory-db --deny-advisories
  cargo modeldeploy audit target/image/shop        an image: a folder of OCI, or what `docker save` wrote
  cargo modeldeploy audit target/release/shop --key keys/release.pub    and who has signed it
  cargo modeldeploy audit http://127.0.0.1:8080 --lock Model.lock        what a running service says of itself

  cargo modeldeploy audit shop --packs /srv/packs    its packs are files in that folder";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The program: any ELF executable, stripped or not, of any processor; an image that starts one; or the URL of a service that runs
    program: PathBuf,
    /// The folder of a program's packs where they are files; without it the folder PROGRAM.packs, if it is there
    #[arg(long, value_name = "FOLDER")]
    packs: Option<PathBuf>,
    /// A copy of RustSec's database of advisories; else one that `cargo audit` or `cargo deny` has left is used
    #[arg(long, value_name = "FOLDER")]
    advisories: Option<PathBuf>,
    /// Refuse a program with a crate of which there is an advisory
    #[arg(long)]
    deny_advisories: bool,
    /// A public key whose signature of it is trusted; without any, those of modeldeploy.toml
    #[arg(long = "key", value_name = "PUB")]
    keys: Vec<PathBuf>,
    /// The file of its signatures, if not the one beside it
    #[arg(long, value_name = "PATH")]
    signature: Option<PathBuf>,
    /// The lock that the program must have been built from, or whose models a running service must have, and no others
    #[arg(long, value_name = "PATH")]
    lock: Option<PathBuf>,
    /// A file with the token that a running service asks for
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates, in PEM, of those who may vouch for a running service; without it those that browsers trust
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    if let Some(url) = args.program.to_str().filter(|text| running::is_url(text)) {
        return service(url, args, output);
    }
    let proved = prove(&args.program)?;
    let Proved { audit, image, .. } = &proved;
    if let Some(lock) = &args.lock {
        of_lock(lock, Some(audit), &args.program)?;
    }
    let folder = packs(args, &proved)?;
    let path = args.signature.clone().unwrap_or_else(|| signatures_of(&args.program));
    let signed = believed(&path, || proved.digest(), &trusted(&args.keys, None)?)?;
    let shown = args.program.display().to_string();
    let crates = audit.crates.as_ref().map_or(&[][..], |crates| &crates.packages);
    let advisories = advisories::look_up(args.advisories.as_deref(), crates)?;
    let (mut human, mut facts) = (
        audited::human(&shown, audit, folder.as_deref(), &signed),
        audited::program(audit, folder.as_deref(), &signed),
    );
    if let Some(image) = image {
        human = imaged::human(image) + &human;
        facts["image"] = imaged::program(image);
    }
    if let Some(advisories) = advisories.as_ref().filter(|_| audit.crates.is_some()) {
        human += "\n";
        human += &advisories.human();
        facts["advisories"] = advisories.program();
    }
    output.result(human, facts)?;
    if !args.deny_advisories {
        return Ok(());
    }
    match (&audit.crates, &advisories) {
        (Some(_), Some(advisories)) => advisories.deny(&shown),
        (None, _) => Err(unknown(
            "the program does not say which crates are in it",
            "`cargo modeldeploy build --release` of one package lists them",
        )
        .at(shown)
        .into()),
        (_, None) => Err(unknown(
            "there is no database of advisories here",
            "`git clone https://github.com/RustSec/advisory-db` and name it with `--advisories`",
        )
        .into()),
    }
}

/// The folder of the packs that the program reads, once they were proved in it.
fn packs(args: &Args, Proved { audit, image, .. }: &Proved) -> Result<Option<PathBuf>, Failure> {
    if let Some(image) = image {
        imaged::prove_packs(&args.program, image, audit)?;
        return Ok((!audit.beside.is_empty()).then(|| format!("{} of the image", image.packs_folder).into()));
    }
    let beside = beside::folder(&args.program);
    let folder = args.packs.clone().or_else(|| beside.is_dir().then_some(beside));
    let folder = folder.filter(|_| !audit.beside.is_empty());
    folder.as_ref().map_or(Ok(()), |folder| beside::prove_all(folder, &audit.beside))?;
    Ok(folder)
}

/// Asks a running service.
fn service(url: &str, args: &Args, output: &mut Output<'_>) -> Result<(), Failure> {
    let read = |path: &Path| {
        let read = std::fs::read_to_string(path);
        read.map_err(|error| {
            Diagnostic::new(running::UNASKED, format!("the file cannot be read: {error}"))
                .at(path.display().to_string())
        })
    };
    let token = args.token_file.as_deref().map(read).transpose()?;
    let way = Way { token: token.as_deref().map(str::trim), roots: args.ca.as_deref() };
    let found = running::ask(url, &way)?;
    let around = || around::folder_with(FILE_NAME).map(|folder| folder.join(FILE_NAME));
    let Some(path) = args.lock.clone().or_else(around) else {
        output.result(found.human(None), found.program(None))?;
        return Ok(());
    };
    let lock = Lock::parse(&read(&path)?).map_err(|error| {
        Diagnostic::new(running::UNASKED, format!("the lock cannot be read: {error}")).at(path.display().to_string())
    })?;
    output.result(found.human(Some(&lock)), found.program(Some(&lock)))?;
    if args.lock.is_some() {
        found.held_to(&lock, &path)?;
    }
    Ok(())
}

/// What is to be denied cannot be known.
fn unknown(what: &str, help: &str) -> Diagnostic {
    Diagnostic::new(advisories::UNREADABLE, what).help(help)
}

/// A program, and what it says of its models, proved.
pub(crate) struct Proved {
    pub(crate) audit: Audit,
    /// The image that it was in.
    pub(crate) image: Option<Found>,
    /// Its file, where it was in none.
    file: Option<Mapping>,
}

impl Proved {
    /// The digest of the program.
    pub(crate) fn digest(&self) -> Digest {
        let inside = self.image.as_ref().map(|image| &image.program[..]);
        Digest::of(inside.or(self.file.as_ref().map(Mapping::bytes)).unwrap_or_default())
    }
}

/// Proves the program at `path`, or the one that the image there starts.
pub(crate) fn prove(path: &Path) -> Result<Proved, Failure> {
    if let Some(image) = imaged::open(path)? {
        let place = format!("{}, {}", path.display(), image.path);
        let audit = audit(&image.program).map_err(|refusal| refused(&refusal, &place))?;
        imaged::check(path, &image, &audit)?;
        return Ok(Proved { audit, image: Some(image), file: None });
    }
    let (program, audit) = prove_program(path)?;
    Ok(Proved { audit, image: None, file: Some(program) })
}

/// Proves the program at `path`.
pub(crate) fn prove_program(path: &Path) -> Result<(Mapping, Audit), Failure> {
    let program = map(path)?;
    let audit = audit(program.bytes()).map_err(|refusal| refused(&refusal, &path.display().to_string()))?;
    Ok((program, audit))
}

fn refused(refusal: &Refusal, place: &str) -> Diagnostic {
    let (code, help) = match refusal {
        Refusal::Unreadable(_) => (UNREADABLE, "name the program itself, as cargo or a package left it"),
        Refusal::Altered(_) => (ALTERED, "do not run it: get it again from where it was built, or build it again"),
    };
    Diagnostic::new(code, refusal.to_string()).at(place).help(help)
}
