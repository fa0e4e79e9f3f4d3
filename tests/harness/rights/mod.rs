//! A way to AWS's emulators on which policies count: nothing passes that the policy of whoever asks does not allow.

mod asked;
mod policy;

use crate::http::{self, Request};
use asked::{Service, Signed, asked};
pub use policy::{Asked, Policy};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

/// Knows people by their access keys, and roles by their ARNs; one may stand before several servers. Signatures are the
/// servers' to check.
#[derive(Clone, Default)]
pub struct Guard(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    people: BTreeMap<String, Person>,
    /// The roles that access keys were given out for.
    assumed: BTreeMap<String, String>,
    /// The resources that iterators and listings' tokens were given out for.
    holders: BTreeMap<String, String>,
}

struct Person {
    policy: Policy,
    used: BTreeSet<(usize, String)>,
    refused: BTreeSet<Asked>,
}

impl Guard {
    /// Lets somebody in: an access key, or whoever assumes a role.
    pub fn admit(&self, who: &str, policy: Policy) {
        let person = Person { policy, used: BTreeSet::new(), refused: BTreeSet::new() };
        self.0.lock().unwrap().people.insert(who.to_owned(), person);
    }

    /// The way to a server, `http://host:port`.
    pub fn before(&self, url: &str) -> String {
        let (guard, server) = (self.clone(), http::authority(url).to_owned());
        http::serve(move |request, near| guard.pass(request, &server, near))
    }

    /// What somebody was refused, each once.
    pub fn refused(&self, who: &str) -> Vec<String> {
        let book = self.0.lock().unwrap();
        let told = |asked: &Asked| format!("{} on {}", asked.action, asked.resource);
        book.people[who].refused.iter().map(told).collect()
    }

    /// Rights that nothing has needed so far.
    pub fn unused(&self, who: &str) -> Vec<String> {
        let book = self.0.lock().unwrap();
        let Person { policy, used, .. } = &book.people[who];
        policy.rights().into_iter().filter(|right| !used.contains(right)).map(|(_, action)| action).collect()
    }

    fn pass(&self, request: &Request, server: &str, mut near: &TcpStream) -> bool {
        let service = Service::of(request);
        let Some(signed) = Signed::of(request) else {
            return near.write_all(&refusal(service, "MissingAuthenticationToken", "no signature")).is_ok();
        };
        let holder = |token: &str| self.0.lock().unwrap().holders.get(token).cloned();
        let all = asked(request, signed.region, holder);
        if let Some(denied) = all.iter().find(|asked| !self.judge(signed.access_key, asked)) {
            return near.write_all(&denial(service, signed.access_key, denied)).is_ok();
        }
        if service == Service::Kinesis("SubscribeToShard") {
            return request.pass(server, &mut near).is_some();
        }
        let mut answer = Vec::new();
        if request.pass(server, &mut answer).is_none() {
            return false;
        }
        if let Some(hidden) = self.hide(request, &answer, (signed.access_key, &all[0])) {
            return near.write_all(&hidden).is_ok();
        }
        self.learn(service, &answer, &all[0].resource);
        near.write_all(&answer).is_ok()
    }

    /// Notes what was used, and what was not there to be used.
    fn judge(&self, access_key: &str, asked: &Asked) -> bool {
        let mut book = self.0.lock().unwrap();
        let who = book.assumed.get(access_key).map_or(access_key, String::as_str).to_owned();
        let Some(person) = book.people.get_mut(&who) else { return false };
        let rights = person.policy.allowing(asked);
        if rights.is_empty() {
            person.refused.insert(asked.clone());
        }
        let is_allowed = !rights.is_empty();
        person.used.extend(rights);
        is_allowed
    }

    /// That an object is missing S3 says to those alone who may list its bucket.
    fn hide(&self, request: &Request, answer: &[u8], (who, asked): (&str, &Asked)) -> Option<Vec<u8>> {
        if asked.action != "s3:GetObject" || !answer.starts_with(b"HTTP/1.1 404") {
            return None;
        }
        let bucket = asked.resource.split('/').next().unwrap_or_default().to_owned();
        let listing = Asked { action: "s3:ListBucket".into(), resource: bucket, keys: BTreeMap::new() };
        let is_hidden = !self.judge(who, &listing);
        is_hidden.then(|| denial(Service::of(request), who, &listing))
    }

    /// What later requests refer to.
    fn learn(&self, service: Service<'_>, answer: &[u8], resource: &str) {
        let answer = Request::new(answer.to_vec());
        let mut book = self.0.lock().unwrap();
        match service {
            Service::Kinesis(_) => {
                let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
                for name in ["ShardIterator", "NextShardIterator", "NextToken"] {
                    if let Some(token) = body[name].as_str() {
                        book.holders.insert(token.to_owned(), resource.to_owned());
                    }
                }
            }
            Service::Tokens => {
                let body = String::from_utf8_lossy(answer.body()).into_owned();
                let key = body.split_once("<AccessKeyId>").and_then(|(_, rest)| rest.split('<').next());
                if let Some(key) = key {
                    book.assumed.insert(key.to_owned(), resource.to_owned());
                }
            }
            Service::DynamoDb(_) | Service::Queues(_) | Service::S3 => {}
        }
    }
}

fn denial(service: Service<'_>, who: &str, Asked { action, resource, .. }: &Asked) -> Vec<u8> {
    let code = match service {
        Service::Kinesis(_) | Service::DynamoDb(_) | Service::Queues(_) => "AccessDeniedException",
        Service::Tokens | Service::S3 => "AccessDenied",
    };
    let said = format!(
        "User: arn:aws:iam::000000000000:user/{who} is not authorized to perform: {action} on resource: {resource} \
         because no identity-based policy allows the {action} action"
    );
    refusal(service, code, &said)
}

/// In the form of the service.
fn refusal(service: Service<'_>, code: &str, said: &str) -> Vec<u8> {
    match service {
        Service::Kinesis(_) | Service::DynamoDb(_) | Service::Queues(_) => {
            let body = json!({ "__type": code, "message": said }).to_string();
            http::answer(400, "application/x-amz-json-1.1", &body)
        }
        Service::Tokens => {
            let error = format!("<Type>Sender</Type><Code>{code}</Code><Message>{said}</Message>");
            http::answer(403, "text/xml", &format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"))
        }
        Service::S3 => {
            let error = format!("<Error><Code>{code}</Code><Message>{said}</Message></Error>");
            http::answer(403, "application/xml", &error)
        }
    }
}

#[cfg(test)]
mod tests;
