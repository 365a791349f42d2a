//! An import that is somebody else's by now changes nothing more at the destination.

use std::sync::atomic::{AtomicI64, Ordering};

use engine::ledger::{EpochId, LedgerError, MessageRecord};
use engine::report::{Report, Side};
use testkit::factory;
use testkit::judge::Mapping;

use crate::ledger::{Tamper, Tampered};
use crate::rig::{Rig, Work};

/// A ledger whose lease is lost when it has been asked so often.
struct Leased(AtomicI64);

impl Leased {
    fn holds(&self) -> Result<(), LedgerError> {
        if self.0.load(Ordering::SeqCst) > 0 { Ok(()) } else { Err(LedgerError::LeaseLost) }
    }
}

impl Tamper for Leased {
    fn asked(&self) -> Result<(), LedgerError> {
        self.0.fetch_sub(1, Ordering::SeqCst);
        self.holds()
    }

    fn finishing(&self) -> Result<(), LedgerError> {
        self.holds()
    }

    fn recording(&self, _: EpochId, messages: Vec<MessageRecord>) -> Result<Vec<MessageRecord>, LedgerError> {
        if !messages.is_empty() {
            self.holds()?;
        }
        Ok(messages)
    }
}

async fn import_until_lost(rig: &Rig, questions: i64) -> Report {
    let ledger = Tampered::open(&rig.state(), Leased(AtomicI64::new(questions))).await;
    let report = rig.run_with(Work::Import, &ledger).await;
    ledger.store.close().await.unwrap();
    let error = report.error.as_ref().unwrap();
    assert_eq!((error.side, error.class.as_str()), (Side::Internal, "lease_lost"), "{report:#?}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_delivered_once_the_lease_is_lost_and_the_heir_brings_all() {
    let rig = Rig::start();
    let content = factory::generated_2000();
    rig.server.write_account("alice", &content).unwrap();
    import_until_lost(&rig, 1).await;
    assert_eq!(rig.files().len(), 0);
    rig.assert_clean();
    // In the middle: what is there stays, is complete, and is no hindrance.
    import_until_lost(&rig, 6).await;
    let there = rig.files().len();
    assert!(there > 0 && there < content.messages(), "{there}");
    rig.assert_clean();
    rig.import_all().await;
    assert_eq!(rig.files().len(), content.messages());
    rig.judge(&Mapping::identity().rename("Gesendete Objekte", "Sent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_flag_is_changed_once_the_lease_is_lost() {
    let rig = Rig::start();
    rig.server.write_account("alice", &factory::generated_small()).unwrap();
    rig.import_all().await;
    let mut alice = rig.alice();
    alice.select("INBOX").unwrap();
    alice.command("UID STORE 1:* +FLAGS.SILENT (\\Flagged)").unwrap();
    let before = rig.files();
    import_until_lost(&rig, 1).await;
    assert_eq!(rig.files(), before);
    rig.import_all().await;
    assert_ne!(rig.files(), before, "the test would show nothing if there were nothing to change");
    rig.judge(&Mapping::identity());
}
