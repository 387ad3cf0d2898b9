//! A service's smallest form: the model linked in, one text embedded for each line that is asked. It answers as
//! `../engines/protocol.py` says, whatever the ids are, so that its start and memory can be told beside other engines'.

use modeldeploy::{Error, model};

#[model("encoder")]
struct Encoder;

fn main() -> Result<(), Error> {
    println!("modeldeploy, linked");
    for _ in std::io::stdin().lines() {
        let vector = Encoder::get().embed("wireless headphones")?;
        println!("{{\"µs\": [0], \"outputs\": [{:?}]}}", vector.as_slice());
    }
    Ok(())
}
