//! What jobs that wait cost those that run: claiming one and putting it down again, with so many others in the line.
//!
//! `cargo bench --bench jobs`

use std::time::Duration;

use divan::Bencher;
use mailimport_store::Store;
use mailimport_store::jobs::{self, Claim, Kind, NewJob, Outcome};
use tokio::runtime::Runtime;
use uuid::Uuid;

fn main() {
    divan::main();
}

/// Jobs of a hundred customers, from ten old servers.
async fn fill(store: &Store, waiting: u32) {
    let writing = store.writing().await.expect("to write");
    for number in 0..waiting {
        let new = NewJob {
            kind: Kind::Import,
            queue: "here".into(),
            subject: Uuid::now_v7(),
            customer: Uuid::from_u128(u128::from(number % 100)),
            server: Some(format!("imap{}.example.org", number % 10)),
            exclusive: None,
            priority: 0,
            run_at: None,
        };
        jobs::enqueue(&writing, new).await.expect("enqueued");
    }
    writing.commit().await.expect("committed");
}

#[divan::bench(args = [10, 1_000, 20_000], sample_count = 20)]
fn claim_and_release(bencher: Bencher, waiting: u32) {
    let runtime = Runtime::new().expect("a runtime");
    let directory = tempfile::tempdir_in("/var/tmp").expect("a directory below /var/tmp");
    let store = runtime.block_on(async {
        let path = directory.path().join("jobs.db");
        let store = Store::open_file(&path, None).await.expect("a database");
        fill(&store, waiting).await;
        store
    });
    let claim = Claim {
        owner: "bench",
        kinds: &[Kind::Import],
        except: &[],
        queues: &["here".to_owned()],
        lease: Duration::from_secs(3_600),
        per_server: Some(4),
        per_customer: Some(2),
    };
    bencher.bench_local(|| {
        runtime.block_on(async {
            let lease = store.claim(&claim).await.expect("claimed").expect("one waits");
            // Back into the line, so that it stays as long as it is.
            store.release(&lease, Outcome::GiveBack).await.expect("put down");
        });
    });
}
