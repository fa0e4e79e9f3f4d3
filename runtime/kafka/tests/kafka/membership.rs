//! Workers as a group: who is there, who leads, and who has to hear that he is out.

use std::time::{Duration, Instant};

use kafka::{ClientSettings, Event, GroupMembership, GroupSettings, Kind, Member, Membership};

use crate::broker::{PATIENCE, admin, block_on, client, topic, unique};
use crate::proxy::Proxy;

const SESSION: Duration = Duration::from_secs(6);

struct Cluster {
    topic: String,
    group: String,
}

impl Cluster {
    fn new(what: &str) -> Self {
        Self { topic: topic(what, 1), group: unique(what) }
    }

    fn settings(&self, client: ClientSettings, id: &str) -> GroupSettings {
        GroupSettings {
            client,
            group: self.group.clone(),
            topic: self.topic.clone(),
            me: Member { id: id.into() },
            session_timeout: SESSION,
            heartbeat_interval: Duration::from_secs(1),
            rebalance_timeout: SESSION,
        }
    }

    fn join(&self, id: &str) -> GroupMembership {
        GroupMembership::open(self.settings(client(), id)).unwrap()
    }

    fn join_by(&self, proxy: &Proxy, id: &str) -> GroupMembership {
        GroupMembership::open(self.settings(proxy.client(&client()), id)).unwrap()
    }
}

/// The next event, none when the events ended.
fn next(membership: &mut GroupMembership) -> Option<Event> {
    block_on(async { tokio::time::timeout(PATIENCE, membership.events().recv()).await })
        .expect("no event in time")
}

/// Takes events until this worker is one of exactly these; whether it leads.
fn until(membership: &mut GroupMembership, expected: &[&str]) -> bool {
    loop {
        match next(membership) {
            Some(Event::Joined { leader, members, .. }) if ids(&members) == expected => return leader,
            Some(Event::Joined { .. }) => {}
            other => panic!("{other:?} while waiting for {expected:?}: {:?}", membership.failure()),
        }
    }
}

fn ids(members: &[Member]) -> Vec<&str> {
    members.iter().map(|member| member.id.as_str()).collect()
}

#[test]
fn members_come_and_go_and_one_of_them_leads() {
    let cluster = Cluster::new("workers");
    let mut a = cluster.join("a:1");
    assert!(until(&mut a, &["a:1"]));
    let lease = a.lease();
    assert!(lease.is_valid());
    let mut b = cluster.join("b:1");
    assert!(!until(&mut b, &["a:1", "b:1"]));
    assert!(until(&mut a, &["a:1", "b:1"]), "who leads goes on leading");
    let joining = Instant::now();
    let mut c = cluster.join("c:1");
    assert!(!until(&mut c, &["a:1", "b:1", "c:1"]));
    assert!(joining.elapsed() < Duration::from_secs(3), "{:?}", joining.elapsed());
    until(&mut b, &["a:1", "b:1", "c:1"]);
    let leaving = Instant::now();
    drop(a);
    assert!(leaving.elapsed() < Duration::from_secs(1), "{:?}", leaving.elapsed());
    assert!(!lease.is_valid());
    // One of the two leads, and nobody heard that he was lost.
    let leads = [until(&mut b, &["b:1", "c:1"]), until(&mut c, &["b:1", "c:1"])];
    assert_eq!(leads.iter().filter(|leads| **leads).count(), 1, "{leads:?}");
    assert!(leaving.elapsed() < Duration::from_secs(4), "{:?}", leaving.elapsed());
}

#[test]
fn a_leader_that_is_cut_off_hears_of_it_first_is_replaced_and_comes_back() {
    let (cluster, proxy) = (Cluster::new("cut"), Proxy::start(&client()));
    let mut cut_off = cluster.join_by(&proxy, "a:1");
    assert!(until(&mut cut_off, &["a:1"]));
    let mut other = cluster.join("b:1");
    until(&mut other, &["a:1", "b:1"]);
    until(&mut cut_off, &["a:1", "b:1"]);
    let lease = cut_off.lease();
    proxy.cut();
    let cut = Instant::now();
    assert_eq!(next(&mut cut_off), Some(Event::Lost));
    let heard = cut.elapsed();
    assert!(!lease.is_valid());
    assert!(heard < SESSION, "{heard:?}");
    assert!(until(&mut other, &["b:1"]));
    let noticed = cut.elapsed();
    assert!(noticed < SESSION + Duration::from_millis(1500), "{noticed:?}");
    assert!(heard < noticed, "it stops after {heard:?}, the others go on after {noticed:?}");
    proxy.heal();
    let healed = Instant::now();
    until(&mut cut_off, &["a:1", "b:1"]);
    assert!(lease.is_valid());
    until(&mut other, &["a:1", "b:1"]);
    println!("lost after {heard:?}, noticed after {noticed:?}, back after {:?}", healed.elapsed());
}

#[test]
fn a_rebalance_that_waits_for_a_dead_member_loses_nobody_else() {
    let (cluster, proxy) = (Cluster::new("patient"), Proxy::start(&client()));
    let mut a = cluster.join("a:1");
    until(&mut a, &["a:1"]);
    let mut dead = cluster.join_by(&proxy, "b:1");
    until(&mut dead, &["a:1", "b:1"]);
    until(&mut a, &["a:1", "b:1"]);
    proxy.cut();
    // The group waits for the dead one for nearly its whole session before the newcomer is in.
    let mut new = cluster.join("c:1");
    until(&mut new, &["a:1", "c:1"]);
    // `until` fails at the first `Lost`.
    until(&mut a, &["a:1", "c:1"]);
    drop(dead);
}

#[test]
fn the_same_address_is_refused_by_name() {
    let cluster = Cluster::new("same");
    let mut first = cluster.join("w:8083");
    until(&mut first, &["w:8083"]);
    let mut second = cluster.join("w:8083");
    let opened = Instant::now();
    assert_eq!(next(&mut second), None);
    assert!(opened.elapsed() >= SESSION, "a killed predecessor may still be listed");
    let error = second.failure().unwrap();
    assert_eq!(error.kind, Kind::Config);
    for part in ["w:8083", "127.0.0.1", &cluster.group, "rest.advertised"] {
        assert!(error.message.contains(part), "{part} in {error}");
    }
    assert!(first.lease().is_valid());
    assert!(first.events().try_recv().is_err(), "the first one notices nothing");
}

#[test]
fn of_two_that_come_at_once_with_one_address_one_stays() {
    let cluster = Cluster::new("race");
    let (one, two) = (cluster.join("w:8083"), cluster.join("w:8083"));
    let deadline = Instant::now() + PATIENCE;
    let mut both = [one, two];
    loop {
        assert!(Instant::now() < deadline);
        let failed: Vec<bool> = both.iter().map(|one| one.failure().is_some()).collect();
        assert_ne!(failed, [true, true], "both went");
        if let Some(stays) = failed.iter().position(|failed| !failed)
            && failed.contains(&true)
        {
            until(&mut both[stays], &["w:8083"]);
            assert!(both[stays].lease().is_valid());
            return;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_killed_predecessor_is_waited_for() {
    let (cluster, proxy) = (Cluster::new("again"), Proxy::start(&client()));
    let mut killed = cluster.join_by(&proxy, "w:8083");
    until(&mut killed, &["w:8083"]);
    proxy.cut();
    let started = Instant::now();
    let mut again = cluster.join("w:8083");
    assert!(until(&mut again, &["w:8083"]));
    let took = started.elapsed();
    assert!(took < SESSION + Duration::from_secs(2), "{took:?}");
    drop(killed);
}

#[test]
fn the_group_tells_who_is_in_it() {
    let cluster = Cluster::new("described");
    let describe = || block_on(async { admin().describe_group(&cluster.group).await }).unwrap();
    assert_eq!(describe(), None);
    let mut a = cluster.join("a:1");
    until(&mut a, &["a:1"]);
    let found = describe().unwrap();
    assert_eq!((found.state.as_str(), found.protocol_type.as_str()), ("Stable", "consumer"));
    assert_eq!(found.members.len(), 1);
    let member = &found.members[0];
    assert_eq!((member.client_id.as_str(), member.host.as_str()), ("a:1", "/127.0.0.1"));
    assert!(member.instance_id.is_none() && !member.member_id.is_empty());
    a.close();
    let until = Instant::now() + PATIENCE;
    while describe().is_some_and(|group| !group.members.is_empty()) {
        assert!(Instant::now() < until, "it never leaves");
    }
}
