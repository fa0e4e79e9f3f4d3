//! Headers that settings add to every answer.
use crate::listener::Error;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::{Duration, SystemTime};
use worker::settings::{HeaderRule, HeaderText};

/// The rules of `response.http.headers.config`.
#[derive(Default)]
pub(crate) struct Headers(Vec<Rule>);

struct Rule {
    is_added: bool,
    name: HeaderName,
    value: Value,
}

enum Value {
    Fixed(HeaderValue),
    DateAfterMs(i64),
}

impl Headers {
    pub(crate) fn new(rules: &[HeaderRule]) -> Result<Self, Error> {
        rules.iter().map(Rule::new).collect::<Result<_, _>>().map(Self)
    }

    /// What an endpoint says by itself stays: rules that set a header come before it, as in Java.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        let own: Vec<_> = headers.keys().cloned().collect();
        for rule in &self.0 {
            let value = match &rule.value {
                Value::Fixed(value) => value.clone(),
                Value::DateAfterMs(millis) => date_after(SystemTime::now(), *millis),
            };
            if rule.is_added {
                headers.append(rule.name.clone(), value);
            } else if !own.contains(&rule.name) {
                headers.insert(rule.name.clone(), value);
            }
        }
    }
}

impl Rule {
    fn new(rule: &HeaderRule) -> Result<Self, Error> {
        let wrong = || Error::new(format!("response.http.headers.config: {} cannot be sent", rule.name));
        let value = match &rule.value {
            HeaderText::Fixed(text) => Value::Fixed(HeaderValue::from_str(text).map_err(|_| wrong())?),
            HeaderText::DateAfterMs(millis) => Value::DateAfterMs(*millis),
        };
        let name = HeaderName::try_from(&rule.name).map_err(|_| wrong())?;
        Ok(Self { is_added: rule.is_added, name, value })
    }
}

/// As HTTP writes dates. One that no calendar holds is the year 1970's first.
fn date_after(now: SystemTime, millis: i64) -> HeaderValue {
    // The last second that has four digits in its year.
    const END: Duration = Duration::from_secs(253_402_300_799);
    let distance = Duration::from_millis(millis.unsigned_abs());
    let then = if millis < 0 { now.checked_sub(distance) } else { now.checked_add(distance) };
    let is_written =
        |then: &SystemTime| then.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since <= END);
    let then = then.filter(is_written).unwrap_or(SystemTime::UNIX_EPOCH);
    HeaderValue::from_str(&httpdate::fmt_http_date(then)).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(is_added: bool, name: &str, value: &str) -> HeaderRule {
        HeaderRule { is_added, name: name.into(), value: HeaderText::Fixed(value.into()) }
    }

    #[test]
    fn set_gives_way_and_add_stands_beside() {
        let rules = [
            rule(false, "Content-Type", "text/html"),
            rule(false, "X-Frame-Options", "ALLOW"),
            rule(false, "X-Frame-Options", "DENY"),
            rule(true, "Vary", "Accept"),
            rule(true, "Vary", "Cookie"),
        ];
        let mut headers = HeaderMap::new();
        headers.insert("Content-Type", HeaderValue::from_static("application/json"));
        headers.insert("Vary", HeaderValue::from_static("Origin"));
        Headers::new(&rules).unwrap().put(&mut headers);
        assert_eq!(headers["Content-Type"], "application/json");
        assert_eq!(headers.get_all("X-Frame-Options").iter().collect::<Vec<_>>(), ["DENY"]);
        assert_eq!(headers.get_all("Vary").iter().collect::<Vec<_>>(), ["Origin", "Accept", "Cookie"]);
    }

    #[test]
    fn dates_are_counted_from_now() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(date_after(now, 0), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date_after(now, 86_400_000), "Mon, 07 Nov 1994 08:49:37 GMT");
        assert_eq!(date_after(now, -1000), "Sun, 06 Nov 1994 08:49:36 GMT");
        assert_eq!(date_after(now, i64::MAX), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(date_after(now, i64::MIN), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
