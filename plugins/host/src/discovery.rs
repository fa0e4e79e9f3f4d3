//! Looks for plugins in folders: checks each file, tries the new ones elsewhere, loads the good ones.
mod candidates;
pub(crate) mod elf;
mod manifest;
mod verdicts;

use crate::boundary::load::load;
use crate::trial::Outcome;
use crate::{Connector, ConnectorInfo, Reason, Trial};
use candidates::Candidate;
use manifest::Manifest;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use verdicts::{Verdict, Verdicts};

/// Where to look for plugins, and how to try them.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// The folders of `plugin.path`: libraries in them and one level below are found.
    pub paths: Vec<PathBuf>,
    /// Remembers which files were tried.
    pub cache_dir: PathBuf,
    pub trial: Trial,
}

/// A file that was found, or a folder that was not, and what came of it.
#[derive(Debug, Clone)]
pub struct Listed {
    pub path: PathBuf,
    pub outcome: Result<Vec<ConnectorInfo>, Reason>,
    /// What a person should know of a file that is used all the same.
    pub warnings: Vec<String>,
}

/// A file on its way through the steps.
pub(crate) struct Looked {
    pub path: PathBuf,
    pub warnings: Vec<String>,
    pub loaded: Result<Vec<Connector>, Reason>,
}

/// A file that passed the checks that need no run of it.
struct Checked {
    candidate: Candidate,
    manifest: Manifest,
    /// What an earlier trial of these very bytes showed.
    known: Option<Verdict>,
}

/// A file that may be tried, or what is wrong with it already.
type Found = Result<Checked, (PathBuf, Reason)>;

/// Finds and loads everything. The order is that of the folders, then of the file names.
pub(crate) fn look(discovery: &Discovery) -> Vec<Looked> {
    let mut verdicts = Verdicts::read(&discovery.cache_dir);
    let found: Vec<Found> = candidates::find(&discovery.paths)
        .into_iter()
        .map(|found| found.and_then(|candidate| check(candidate, &verdicts)))
        .collect();
    let outcomes = try_new(&discovery.trial, &found);
    let looked = found.into_iter().zip(outcomes).map(|(found, outcome)| match found {
        Err((path, reason)) => Looked { path, warnings: Vec::new(), loaded: Err(reason) },
        Ok(checked) => finish(checked, outcome, &mut verdicts),
    });
    let looked = looked.collect();
    verdicts.write(&discovery.cache_dir);
    looked
}

fn check(candidate: Candidate, verdicts: &Verdicts) -> Found {
    let checked = (|| {
        let manifest = Manifest::beside(&candidate)?;
        let known = verdicts.get(&candidate.identity).cloned();
        // A verdict without this digest says nothing of it.
        let known = known.filter(|known| manifest.sha256.is_none() || manifest.sha256 == known.sha256);
        if known.is_none() {
            manifest.check_digest(&candidate.real_path)?;
            elf::check(&candidate.real_path)?;
        }
        Ok((manifest, known))
    })();
    match checked {
        Ok((manifest, known)) => Ok(Checked { candidate, manifest, known }),
        Err(reason) => Err((candidate.path, reason)),
    }
}

/// Tries the files without a verdict side by side, each in a process of its own. One answer, or none, per file.
fn try_new(trial: &Trial, found: &[Found]) -> Vec<Option<Outcome>> {
    let is_new = |index: &usize| matches!(&found[*index], Ok(checked) if checked.known.is_none());
    let new: Vec<usize> = (0..found.len()).filter(is_new).collect();
    let next = AtomicUsize::new(0);
    let slots: Vec<Mutex<Option<Outcome>>> = found.iter().map(|_| Mutex::new(None)).collect();
    let at_once = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(new.len()) {
            scope.spawn(|| {
                while let Some(&index) = new.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Ok(checked) = &found[index] else { continue };
                    let outcome = trial.of(&checked.candidate.real_path);
                    *slots[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
                }
            });
        }
    });
    slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// Remembers what a trial showed, and loads a good file.
fn finish(checked: Checked, outcome: Option<Outcome>, verdicts: &mut Verdicts) -> Looked {
    let Checked { candidate, manifest, known } = checked;
    let sha256 = manifest.sha256.clone();
    let (result, is_lasting) = match (known, outcome) {
        (Some(known), _) => (known.result.map_err(Reason::new), true),
        (None, Some(outcome)) => (outcome.result, outcome.is_lasting),
        (None, None) => (Err(Reason::new("it was not tried")), false),
    };
    let is_unchanged = candidate.is_unchanged();
    if is_lasting && is_unchanged {
        let result = result.clone().map_err(|reason| reason.to_string());
        verdicts.keep(candidate.identity.clone(), Verdict { sha256, result });
    }
    let loaded = match result {
        Ok(_) if !is_unchanged => {
            Err(Reason::new("it changed while it was being tried: it is tried again at the next start"))
        }
        Ok(_) => load(&candidate.real_path),
        Err(reason) => Err(reason),
    };
    let mut warnings = candidate.warnings;
    warnings.extend(manifest.warning);
    Looked { path: candidate.path, warnings, loaded }
}
