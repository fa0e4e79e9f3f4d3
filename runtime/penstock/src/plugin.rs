//! Looks at connector libraries, and writes the crate of a new one.

use crate::args::Plugin;
use crate::failure::Failure;

pub fn run(command: Plugin) -> Result<(), Failure> {
    match command {
        Plugin::List(_) | Plugin::Inspect { .. } | Plugin::Try { .. } => {
            Err(Failure::Failed("this build cannot open connector libraries".to_owned()))
        }
        Plugin::New(_) => Err(Failure::Failed("this build has no template".to_owned())),
    }
}
