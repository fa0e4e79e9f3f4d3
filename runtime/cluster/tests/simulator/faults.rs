//! What goes wrong: crashes, freezes, cuts, brokers that are away, compaction; and how all of it ends.
use crate::options::{Cut, Fault, GIVE_UP, SESSION, SETTLE, TIMING};
use crate::process::Process;
use crate::rpc::Call;
use crate::world::{Happening, World};
use penstock_cluster::Event;

/// The way between each process and the brokers.
#[derive(Debug, Default)]
pub struct Links {
    of: Vec<Link>,
    pub is_broker_down: bool,
    cuts: u64,
}

#[derive(Debug, Default)]
struct Link {
    cut: Option<(Cut, u64)>,
    /// Channels on which an answer stayed out: their connections are dead until the cut ends, both ways.
    dead: u8,
    is_lasting: bool,
}

impl Links {
    pub fn add(&mut self) {
        self.of.push(Link::default());
    }

    pub fn reaches_broker(&self, p: usize, channel: u8) -> bool {
        let link = &self.of[p];
        let is_cut = matches!(link.cut, Some((Cut::ToBroker | Cut::Both, _)));
        !self.is_broker_down && !is_cut && link.dead & (1 << channel) == 0
    }

    pub fn reaches_worker(&mut self, p: usize, channel: u8) -> bool {
        let link = &mut self.of[p];
        let is_cut = matches!(link.cut, Some((Cut::FromBroker | Cut::Both, _)));
        if is_cut {
            link.dead |= 1 << channel;
        }
        !self.is_broker_down && !is_cut
    }

    pub fn is_both_ways(&self, p: usize) -> bool {
        !self.is_broker_down && self.of[p].cut.is_none()
    }

    pub fn is_lasting(&self, p: usize) -> bool {
        self.of[p].is_lasting
    }

    fn cut(&mut self, p: usize, cut: Cut) -> u64 {
        self.cuts += 1;
        self.of[p].cut = Some((cut, self.cuts));
        self.cuts
    }

    fn heal(&mut self, number: u64) {
        for link in self.of.iter_mut().filter(|link| link.cut.is_some_and(|(_, cut)| cut <= number)) {
            if !link.is_lasting {
                link.cut = None;
                link.dead = 0;
            }
        }
    }
}

impl World {
    fn someone(&mut self) -> Option<usize> {
        let up: Vec<usize> = (0..self.processes.len()).filter(|p| self.processes[*p].is_up).collect();
        self.random.pick(&up)
    }

    pub fn fault(&mut self) {
        if self.is_healed {
            return;
        }
        let wait = self.random.between(1, 2 * self.options.fault_every);
        self.after(wait, Happening::Fault);
        let faults = self.options.faults.clone();
        let (Some(fault), Some(p)) = (self.random.pick(&faults), self.someone()) else { return };
        let address = self.processes[p].address.clone();
        self.note(|| format!("FAULT {fault:?} {address}#{p}"));
        match fault {
            Fault::Crash => self.crash(p),
            Fault::Freeze => {
                let time = self.random.between(200, 3 * SESSION);
                if self.processes[p].is_frozen(self.now) {
                    return;
                }
                self.processes[p].frozen_until = (self.now + time).min(self.options.chaos);
            }
            Fault::Cut => {
                let cut = self.random.pick(&[Cut::ToBroker, Cut::FromBroker, Cut::Both]).unwrap_or(Cut::Both);
                let number = self.links.cut(p, cut);
                let time = self.random.between(500, 2 * SESSION);
                self.after(time, Happening::Healed(number));
            }
            Fault::BrokerDown => {
                self.links.is_broker_down = true;
                let time = self.random.between(200, SESSION + 3000);
                self.after(time, Happening::BrokerUp);
            }
            Fault::Compaction => self.compact(),
            Fault::Shutdown => self.shut_down(p),
            Fault::Arrival => self.arrival(),
            Fault::Expulsion => {
                if let Some(id) = self.random.pick(&self.group.ids()) {
                    self.group.remove(id, &mut self.random);
                }
            }
        }
    }

    fn crash(&mut self, p: usize) {
        self.kill(p);
        let address = self.processes[p].address.clone();
        if self.random.chance(70) {
            let wait = self.random.between(300, 9000);
            let address = if self.random.chance(70) { address } else { self.new_address() };
            self.after(wait, Happening::Spawn(address));
        }
    }

    fn kill(&mut self, p: usize) {
        let process = &mut self.processes[p];
        process.is_up = false;
        process.instances.clear();
        process.abandoned.clear();
    }

    fn new_address(&self) -> String {
        format!("w{}", self.processes.len() + 10)
    }

    fn arrival(&mut self) {
        let up = self.processes.iter().filter(|process| process.is_up).count();
        if up < 5 {
            let address = self.new_address();
            self.spawn(&address);
        }
    }

    fn compact(&mut self) {
        // The segment that is being written is never compacted: members, which read on all the time, are well in it,
        // and so is who is about to become one.
        let pos = |is_member: bool| {
            let is_one = |process: &&Process| process.is_in() || process.membership.waiting.is_some();
            let up = self.processes.iter().filter(|it| it.is_up && (!is_member || is_one(it)));
            up.map(|process| process.pos).min().unwrap_or(self.log.end())
        };
        let (read_by_members, read_by_all) = (pos(true), pos(false));
        let to = self.random.between(read_by_members / 2, read_by_members);
        self.log.compact(to, read_by_all);
    }

    fn shut_down(&mut self, p: usize) {
        let process = &mut self.processes[p];
        if !process.is_leaving {
            process.is_leaving = true;
            self.after(GIVE_UP + TIMING.handover + 1000, Happening::MustBeDone(p));
            self.feed_when_awake(p);
        }
    }

    /// A signal waits in a frozen process.
    fn feed_when_awake(&mut self, p: usize) {
        if self.processes[p].is_frozen(self.now) {
            // Nobody waits for ever for a process that does not answer.
            self.crash(p);
        } else {
            self.check_lease(p);
            self.feed(p, Event::ShutdownAsked);
        }
    }

    /// Leaves the group once the herder is done with it.
    pub fn watch_shutdown(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let is_done = process.is_up && process.is_leaving && process.herder.is_done();
        if !is_done {
            return;
        }
        if !process.instances.is_empty() {
            let what = format!("{} is done although tasks are left", process.address);
            return self.fail(what);
        }
        // What has not been written to the status log by now is lost.
        let id = process.membership.id.take();
        process.membership.told = None;
        process.is_up = false;
        if let Some(id) = id {
            self.call(p, Call::Leave(id));
        }
        let address = self.processes[p].address.clone();
        self.note(|| format!("{address}#{p} has shut down"));
        if self.random.chance(60) {
            let wait = self.random.between(300, 5000);
            self.after(wait, Happening::Spawn(address));
        }
    }

    /// Whoever has not shut down by now is killed: a freeze is the only excuse.
    pub fn must_be_done(&mut self, p: usize) {
        if self.processes[p].frozen_until == 0 {
            let what = format!("{}#{p} does not end", self.processes[p].address);
            self.fail(what);
        }
        self.kill(p);
    }

    pub fn broker_up(&mut self) {
        if self.links.is_broker_down {
            self.links.is_broker_down = false;
            self.group.restart(self.now);
            self.watch_sessions();
        }
    }

    /// A cut heals; with the greatest number, everything does.
    pub fn healed(&mut self, number: u64) {
        self.links.heal(number);
        if number != u64::MAX {
            return;
        }
        self.note(|| "HEALED".into());
        self.is_healed = true;
        self.broker_up();
        let lasting = self.options.lasting;
        let lasting = lasting.and_then(|cut| Some((cut, self.someone()?)));
        if let Some((cut, p)) = lasting {
            self.links.cut(p, cut);
            self.links.of[p].is_lasting = true;
            let address = self.processes[p].address.clone();
            self.note(|| format!("{address}#{p} stays cut off: {cut:?}"));
        }
        let up = self.processes.iter().filter(|process| process.is_up).count() as u64;
        for worker in up..2 + u64::from(self.options.lasting.is_some()) {
            self.spawn(&format!("z{worker}"));
        }
        self.after(SETTLE, Happening::Settled);
    }
}
