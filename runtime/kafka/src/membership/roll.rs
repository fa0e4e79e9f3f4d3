//! What a description of the workers' group says to one of its members.

use super::Member;
use crate::{Error, GroupDescription, GroupMember};

/// A member's view of its group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Roll {
    /// The group is being put together again, or a member of this address goes soon: ask again.
    Unsettled { is_listed: bool },
    /// The group is complete without this member.
    Absent,
    /// These are all, in order, this member included.
    Complete(Vec<Member>),
    /// Another live worker has the same address, and it is this one that goes.
    Yield(GroupMember),
}

/// `mine`: this member's id in the group, and the ids that it had before.
pub(super) fn call(group: &GroupDescription, me: &Member, mine: &str, former: &[String]) -> Roll {
    let is_listed = group.members.iter().any(|member| member.member_id == mine);
    if group.state != "Stable" {
        return Roll::Unsettled { is_listed };
    }
    if !is_listed {
        return Roll::Absent;
    }
    let is_rival = |member: &&GroupMember| {
        member.client_id == me.id && member.member_id != mine && !former.contains(&member.member_id)
    };
    let mut rivals = group.members.iter().filter(is_rival);
    match rivals.clone().find(|rival| rival.member_id.as_str() < mine) {
        Some(rival) => return Roll::Yield(rival.clone()),
        None if rivals.next().is_some() => return Roll::Unsettled { is_listed },
        None => {}
    }
    let mut members: Vec<Member> =
        group.members.iter().map(|member| Member { id: member.client_id.clone() }).collect();
    members.sort();
    members.dedup();
    Roll::Complete(members)
}

/// What stands in the way of joining.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A live member with the same address.
    Rival(GroupMember),
    /// Workers of Java's Connect, or another program.
    Foreign { protocol_type: String },
}

pub(super) fn obstacle(group: Option<&GroupDescription>, me: &Member, former: &[String]) -> Option<Obstacle> {
    let group = group?;
    if group.members.is_empty() {
        return None;
    }
    if !group.protocol_type.is_empty() && group.protocol_type != "consumer" {
        return Some(Obstacle::Foreign { protocol_type: group.protocol_type.clone() });
    }
    let is_rival = |member: &&GroupMember| member.client_id == me.id && !former.contains(&member.member_id);
    group.members.iter().find(is_rival).cloned().map(Obstacle::Rival)
}

/// Why a worker does not join, for its operator.
pub(super) fn address_is_taken(group: &str, me: &Member, rival: &GroupMember) -> Error {
    let host = rival.host.trim_start_matches('/');
    Error::config(format!(
        "the address {} is taken: a worker at {host} is in group {group} with it (member {}). Every worker needs an \
         address of its own: give this one another by rest.advertised.host.name, rest.advertised.port or listeners, \
         or stop the other",
        me.id, rival.member_id
    ))
}

pub(super) fn held_by_others(group: &str, protocol_type: &str) -> String {
    match protocol_type {
        "connect" => {
            format!("group {group} belongs to Java Connect workers that still run: stop them first")
        }
        other => format!(
            "group {group} belongs to members of another kind ({other}): stop them first, or give the workers another \
             group.id"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(member_id: &str, client_id: &str) -> GroupMember {
        let (member_id, client_id) = (member_id.to_owned(), client_id.to_owned());
        GroupMember { member_id, client_id, host: "/10.0.0.7".into(), instance_id: None }
    }

    fn group(state: &str, protocol_type: &str, members: &[(&str, &str)]) -> GroupDescription {
        let members = members.iter().map(|(member_id, client_id)| member(member_id, client_id)).collect();
        GroupDescription { state: state.into(), protocol_type: protocol_type.into(), members }
    }

    fn me() -> Member {
        Member { id: "w1:8083".into() }
    }

    #[test]
    fn a_roll_counts_only_when_the_group_is_complete() {
        let check = |state, members: &[_], expected| {
            let former = ["old".to_owned()];
            assert_eq!(
                call(&group(state, "consumer", members), &me(), "m5", &former),
                expected,
                "{members:?}"
            );
        };
        let complete =
            |ids: &[&str]| Roll::Complete(ids.iter().map(|id| Member { id: (*id).to_owned() }).collect());
        check("Stable", &[("m7", "w2:8083"), ("m5", "w1:8083")], complete(&["w1:8083", "w2:8083"]));
        check("PreparingRebalance", &[("m5", "w1:8083")], Roll::Unsettled { is_listed: true });
        check("CompletingRebalance", &[("m7", "w2:8083")], Roll::Unsettled { is_listed: false });
        check("Stable", &[("m7", "w2:8083")], Roll::Absent);
        // This worker as it was before it came back is nobody else.
        check("Stable", &[("old", "w1:8083"), ("m5", "w1:8083")], complete(&["w1:8083"]));
    }

    #[test]
    fn of_two_with_one_address_the_larger_id_goes() {
        let both = group("Stable", "consumer", &[("m5", "w1:8083"), ("m7", "w1:8083")]);
        assert_eq!(call(&both, &me(), "m7", &[]), Roll::Yield(member("m5", "w1:8083")));
        assert_eq!(call(&both, &me(), "m5", &[]), Roll::Unsettled { is_listed: true });
        let error = address_is_taken("workers", &me(), &both.members[0]);
        assert!(error.message.contains("w1:8083") && error.message.contains("10.0.0.7"), "{error}");
    }

    #[test]
    fn only_live_members_stand_in_the_way() {
        let check = |group: Option<&GroupDescription>, expected| {
            assert_eq!(obstacle(group, &me(), &["old".to_owned()]), expected);
        };
        check(None, None);
        check(Some(&group("Empty", "connect", &[])), None);
        check(Some(&group("Stable", "consumer", &[("m7", "w2:8083"), ("old", "w1:8083")])), None);
        let foreign = Obstacle::Foreign { protocol_type: "connect".into() };
        check(Some(&group("Stable", "connect", &[("m7", "connect-1")])), Some(foreign));
        let rival = Obstacle::Rival(member("m7", "w1:8083"));
        check(Some(&group("PreparingRebalance", "consumer", &[("m7", "w1:8083")])), Some(rival));
    }
}
