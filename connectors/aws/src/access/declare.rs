//! Declares the settings of the way to AWS.
use penstock_sdk::{Importance, Setting};

/// All settings that say where AWS is and who asks.
pub fn declare() -> Vec<Setting> {
    [place(), identity()].concat()
}

fn place() -> Vec<Setting> {
    vec![
        Setting::string("aws.region").importance(Importance::High).doc(
            "Region of the service, for instance eu-central-1. Without a value that of an ARN is taken, then that of \
             the environment, the profile or the instance.",
        ),
        Setting::string("aws.endpoint").doc(
            "URL of the service in place of the region's own: an interface endpoint of a VPC, or another server with \
             the same interface.",
        ),
        Setting::boolean("aws.fips")
            .default("false")
            .doc("Asks the region's FIPS endpoint. Without effect beside aws.endpoint."),
        Setting::string("aws.proxy").doc(
            "URL of an HTTP proxy for all requests, for instance http://proxy:3128. Without a value the variables \
             HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the worker's environment hold.",
        ),
        Setting::string("aws.proxy.user").importance(Importance::Low).doc("Name at the proxy."),
        Setting::password("aws.proxy.password").importance(Importance::Low).doc("Password at the proxy."),
    ]
}

fn identity() -> Vec<Setting> {
    vec![
        Setting::string("aws.access.key.id").importance(Importance::High).doc(
            "Access key. Without one the default chain is asked: environment, profile, web identity, container and \
             instance credentials.",
        ),
        Setting::password("aws.secret.access.key")
            .importance(Importance::High)
            .doc("Secret of aws.access.key.id."),
        Setting::password("aws.session.token")
            .doc("Token of temporary credentials; they are not renewed, so a role suits a long run better."),
        Setting::string("aws.profile")
            .doc("Profile of the AWS configuration files of the worker's machine, in place of an access key."),
        Setting::string("aws.role.arn").importance(Importance::High).doc(
            "ARN of a role to assume with the credentials above. It is assumed again before its session ends.",
        ),
        Setting::password("aws.role.external.id").doc("External id that the role's trust policy asks for."),
        Setting::string("aws.role.session.name")
            .default("penstock")
            .importance(Importance::Low)
            .doc("Name of the role's session, as CloudTrail shows it."),
        Setting::string("aws.sts.endpoint")
            .importance(Importance::Low)
            .doc("URL of the token service that assumes the role, in place of the region's own."),
    ]
}
