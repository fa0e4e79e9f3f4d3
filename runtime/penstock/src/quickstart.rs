//! Shows records moving within seconds: a generator, a broker, a sink and a line a second.

use crate::args;
use crate::failure::Failure;

pub fn run(_args: &args::Quickstart) -> Result<(), Failure> {
    Err(Failure::Failed("this build has no worker to start".to_owned()))
}
