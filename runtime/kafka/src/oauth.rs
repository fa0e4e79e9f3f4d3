//! Logs clients in by OAUTHBEARER: a token is fetched, handed to every client, and renewed while one lives.

mod aws;
mod endpoint;
mod http;
mod keeper;
mod source;
mod token;

use std::sync::Weak;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, NoCustomPartitioner, Producer as _, ProducerContext};

pub(crate) use aws::credentials::{Chain, Role, Surroundings};
pub(crate) use aws::{Msk, region_of};
pub(crate) use endpoint::Endpoint;
pub(crate) use http::{Limits, Roots};
pub(crate) use keeper::{Login, Pace, Recipient};
pub(crate) use source::Source;
pub(crate) use token::{Claim, Token, Unsecured};

/// The key by which librdkafka's own settings carry a login. librdkafka itself makes nothing of its value.
pub(crate) const LOGIN_KEY: &str = "sasl.oauthbearer.config";

/// Ends the reason of a failure that passes by itself.
pub(crate) const TRYING_AGAIN: &str = "trying again";

/// Gives the client its tokens from now on, if its settings want any.
pub(crate) fn serve(config: &ClientConfig, client: Weak<dyn Recipient>) {
    if let Some(login) = config.get(LOGIN_KEY).and_then(Login::find) {
        login.serve(client);
    }
}

impl<C: ProducerContext<NoCustomPartitioner>> Recipient for BaseProducer<C> {
    fn take(&self, token: &Token) -> Result<(), String> {
        crate::raw::give_token(self.client().native_client(), token)
    }

    fn go_without(&self, reason: &str) {
        crate::raw::give_failure(self.client().native_client(), reason);
    }
}
