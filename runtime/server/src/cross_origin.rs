//! Tells browsers which pages of other origins may ask, in the headers of every answer.
use crate::listener::Error;
use hyper::Method;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use regex::RegexSet;
use worker::settings::CrossOrigin as Settings;

/// Seconds for which a browser may remember the answer to its question.
const REMEMBERED: HeaderValue = HeaderValue::from_static("60");

/// Read from `access.control.*`.
pub(crate) struct CrossOrigin {
    /// `None` for `*`.
    origins: Option<RegexSet>,
    methods: HeaderValue,
}

/// What one request asks for, to be answered in the headers of its answer.
pub(crate) enum Visit {
    /// No page of another origin that may ask.
    Other,
    Request(HeaderValue),
    /// The question that browsers ask first, and never with credentials.
    Preflight(HeaderValue),
}

impl CrossOrigin {
    /// `None` when nothing is allowed: then answers say nothing at all.
    pub(crate) fn new(settings: &Settings) -> Result<Option<Self>, Error> {
        if settings.origins.is_empty() {
            return Ok(None);
        }
        let whole = settings.origins.iter().map(|origin| format!("(?i)^(?:{origin})$"));
        let origins = if settings.origins.iter().any(|origin| origin == "*") {
            None
        } else {
            let key = "access.control.allow.origin";
            Some(RegexSet::new(whole).map_err(|error| Error::new(format!("{key}: {error}")))?)
        };
        let methods =
            if settings.methods.is_empty() { "GET,POST,HEAD".into() } else { settings.methods.join(",") };
        let methods = HeaderValue::from_str(&methods);
        let methods = methods.map_err(|_| {
            Error::new("access.control.allow.methods: expected methods such as GET,PUT, got something else")
        })?;
        Ok(Some(Self { origins, methods }))
    }

    pub(crate) fn visit(&self, method: &Method, headers: &HeaderMap) -> Visit {
        let Some(origin) = headers.get(ORIGIN).filter(|origin| self.allows(origin)).cloned() else {
            return Visit::Other;
        };
        if method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            Visit::Preflight(origin)
        } else {
            Visit::Request(origin)
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let Some(origins) = &self.origins else { return true };
        // After redirects a browser names all the origins on the way.
        origin.to_str().is_ok_and(|text| text.split_whitespace().any(|origin| origins.is_match(origin)))
    }

    pub(crate) fn answer(&self, visit: Visit, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        match visit {
            Visit::Other => {}
            Visit::Request(origin) => drop(headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin)),
            Visit::Preflight(origin) => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
                headers.insert(ACCESS_CONTROL_MAX_AGE, REMEMBERED);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(origins: &[&str], methods: &[&str]) -> CrossOrigin {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        let settings = Settings { origins: owned(origins), methods: owned(methods) };
        CrossOrigin::new(&settings).unwrap().unwrap()
    }

    fn answer(rules: &CrossOrigin, method: &Method, asked: &[(&'static str, &'static str)]) -> Vec<String> {
        let name = |name: &'static str| hyper::header::HeaderName::from_static(name);
        let asked = asked.iter().map(|(key, value)| (name(key), HeaderValue::from_static(value))).collect();
        let mut headers = HeaderMap::new();
        rules.answer(rules.visit(method, &asked), &mut headers);
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn nothing_is_said_unless_something_is_allowed() {
        assert!(CrossOrigin::new(&Settings::default()).unwrap().is_none());
        let rules = rules(&["http://ui.test"], &[]);
        assert_eq!(answer(&rules, &Method::GET, &[]), ["vary: Origin"]);
        assert_eq!(answer(&rules, &Method::GET, &[("origin", "http://other.test")]), ["vary: Origin"]);
    }

    #[test]
    fn allowed_origins_are_named_in_every_answer() {
        let check = |origins: &[&str], origin: &'static str, expected: bool| {
            let answer = answer(&rules(origins, &[]), &Method::GET, &[("origin", origin)]);
            let named = format!("access-control-allow-origin: {origin}");
            assert_eq!(answer.contains(&named), expected, "{origins:?} {origin}: {answer:?}");
        };
        check(&["http://ui.test"], "http://ui.test", true);
        check(&["http://ui.test"], "HTTP://UI.TEST", true);
        check(&["http://ui.test"], "http://ui.test.evil", false);
        check(&["http://ui.test"], "http://x http://ui.test", true);
        check(&["a", "https://.*\\.example"], "https://ui.example", true);
        check(&["*"], "null", true);
    }

    #[test]
    fn a_preflight_is_told_methods_headers_and_how_long() {
        let rules = rules(&["http://ui.test"], &["GET", "PUT"]);
        let asked = [("origin", "http://ui.test"), ("access-control-request-method", "PUT")];
        let expected = [
            "vary: Origin",
            "access-control-allow-origin: http://ui.test",
            "access-control-allow-methods: GET,PUT",
            "access-control-allow-headers: Content-Type",
            "access-control-max-age: 60",
        ];
        let mut answer = answer(&rules, &Method::OPTIONS, &asked);
        answer.sort_by_key(|line| expected.iter().position(|each| each == line));
        assert_eq!(answer, expected);
        assert!(matches!(rules.visit(&Method::GET, &HeaderMap::new()), Visit::Other));
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_by_its_key() {
        let settings = Settings { origins: vec!["http://(".into()], methods: Vec::new() };
        let error = CrossOrigin::new(&settings).err().unwrap().to_string();
        assert!(error.starts_with("access.control.allow.origin: "), "{error}");
    }
}
