//! What a listener hears adds up, folder by folder.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::progress::{Event, FolderTotals, Progress};
use testkit::factory;

use crate::rig::Rig;

/// Keeps what it hears.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<Event>>);

impl Progress for Heard {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// A folder of the survey, what was counted of it, and whether its end was told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) totals: FolderTotals,
    pub(crate) messages: u64,
    pub(crate) octets: u64,
    pub(crate) done: bool,
}

impl Heard {
    /// The pauses after what failed for the moment.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        let events = self.0.lock().unwrap();
        let pause = |event: &Event| match event {
            Event::Retrying { pause, .. } => Some(*pause),
            _ => None,
        };
        events.iter().filter_map(pause).collect()
    }

    pub(crate) fn folders(&self) -> Vec<Told> {
        let mut told: Vec<Told> = Vec::new();
        for event in self.0.lock().unwrap().iter() {
            match event.clone() {
                Event::Surveyed { folders, .. } => {
                    let begun = |totals| Told { totals, messages: 0, octets: 0, done: false };
                    told = folders.into_iter().map(begun).collect();
                }
                Event::Folder { folder, name } => {
                    assert_eq!(told[folder].totals.name, name);
                    (told[folder].messages, told[folder].octets) = (0, 0);
                }
                Event::Settled { folder, messages, octets }
                | Event::Delivered { folder, messages, octets } => {
                    assert!(!told[folder].done, "{:?} was done already", told[folder]);
                    told[folder].messages += messages;
                    told[folder].octets += octets;
                }
                Event::FolderDone { folder } => told[folder].done = true,
                _ => {}
            }
        }
        told
    }
}

pub(crate) fn listen(rig: &mut Rig) -> Arc<Heard> {
    let heard = Arc::new(Heard::default());
    rig.progress = heard.clone();
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn each_folder_is_told_with_its_totals_and_adds_up_to_them() {
    let mut rig = Rig::start();
    rig.server.write_account("alice", &factory::generated_small()).unwrap();
    let heard = listen(&mut rig);
    let report = rig.import_all().await;
    let told = heard.folders();
    assert_eq!(told.len(), report.folders.len());
    assert!(told.len() > 2);
    for (told, line) in told.iter().zip(&report.folders) {
        assert_eq!((&told.totals.name, &told.totals.destination), (&line.source, &line.destination));
        assert_eq!(
            (told.totals.messages, told.messages),
            (line.counts.listed, line.counts.listed),
            "{told:?}"
        );
        assert_eq!(told.totals.octets, Some(told.octets), "{told:?}");
        assert!(told.done, "{told:?}");
    }
    let again = listen(&mut rig);
    rig.import_all().await;
    for told in again.folders() {
        assert_eq!((told.messages, told.done), (told.totals.messages, true), "{told:?}");
    }
}
