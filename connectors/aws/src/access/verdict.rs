//! What a failed request means for a task, whichever service it went to.
use super::failure::{Cause, Failure};
use super::policy::{denied, unknown};
use super::settings::Access;
use penstock_sdk::Error;

impl Access {
    /// A wrong setting where waiting does not mend it. It was asked about `what`, which policies call `resource`.
    pub fn verdict(&self, failure: &Failure, what: &str, resource: &str) -> Error {
        let Failure { cause, action, reason } = failure;
        let who = self.who();
        match cause {
            Cause::Missing => {
                Error::config(format!("{what}: it does not exist for {who}: {action}: {reason}"))
            }
            Cause::Denied => Error::config(format!("{what}: {}", denied(failure, &who, resource))),
            Cause::Credentials => Error::config(format!("{what}: {}", unknown(failure, &who))),
            Cause::Outdated if !self.is_renewed() => Error::config(format!(
                "aws.session.token: it has expired; expected new credentials, or a role, which is renewed: {reason}"
            )),
            Cause::Invalid => Error::config(format!("{what}: {action} is refused: {reason}")),
            _ => Error::retry(format!("{what}: {action}: {reason}")),
        }
    }

    /// Waiting mends it.
    pub fn is_passing(&self, failure: &Failure) -> bool {
        failure.is_passing() || (failure.cause == Cause::Outdated && self.is_renewed())
    }
}
