//! Everything arrives, octet for octet, at each kind of server.

use testkit::factory::{self, AccountSpec};
use testkit::judge::Mapping;
use testkit::server::MailFormat;

use super::rig::Rig;

fn roles() -> Mapping {
    Mapping::identity().rename("Gesendete Objekte", "Sent")
}

async fn within_dovecot(format: MailFormat, spec: &AccountSpec, mapping: &Mapping) {
    let rig = Rig::within_dovecot(format);
    rig.old.write_account("alice", spec).unwrap();
    let report = rig.import_all().await;
    assert_eq!(report.totals.imported, spec.messages() as u64);
    rig.judge(mapping);
    rig.nothing_new().await;
    let verified = rig.verify().await;
    assert_eq!(verified.differences, Some(Vec::new()), "{verified:#?}");
    assert_eq!(verified.verification.compared, spec.messages() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_messages_of_107_mb_arrive_in_maildir() {
    within_dovecot(MailFormat::Maildir, &factory::generated_2000(), &roles()).await;
}
