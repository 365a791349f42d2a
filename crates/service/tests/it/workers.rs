//! Workers run jobs, obey people, survive faults and each other.

mod bench;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, Crowd, HOUR, Script, check, eventually, import};
use service::work::{Limits, Reason};
use store::jobs::{Kind, NewJob, Outcome, State, Want};
use tokio::sync::{Notify, Semaphore};

macro_rules! on_both_databases {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::Bench::sqlite().await).await;
            })*
        }
        mod on_postgresql {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::Bench::postgres().await).await;
            })*
        }
    };
}

on_both_databases! {
    a_worker_hears_of_new_work_without_looking
    a_pause_a_cancel_and_a_resume_reach_a_running_job_at_once
    what_people_want_arrives_with_the_renewal_when_nobody_tells
    a_job_that_was_paused_and_resumed_before_it_stopped_goes_on
    a_panic_harms_no_other_job
    a_shutdown_gives_jobs_back_and_another_worker_goes_on
    no_more_is_held_than_there_are_places
    imports_that_never_end_keep_no_check_waiting
    checks_of_one_server_are_two_over_all_workers
    a_job_whose_lease_is_lost_is_told_so_and_its_worker_goes_on_with_others
    a_job_that_does_not_listen_is_ended_and_given_back
    a_job_that_blocks_its_thread_is_left_to_itself
    a_job_given_back_without_need_is_not_run_in_circles
    a_clock_that_jumps_makes_nobody_take_over_its_own_job
    a_job_of_a_vanished_worker_is_paused_when_that_was_wanted
}

async fn a_worker_hears_of_new_work_without_looking(bench: &Bench) {
    let script = Script::new(|_, _| async { Outcome::Done });
    let worker = bench.work(&script, Limits { poll: HOUR, ..bench.limits() });
    // The worker has found nothing, perhaps, and waits; each of these has to wake it.
    for round in 0..5 {
        let store = if round % 2 == 0 { bench.other_process().await } else { Arc::clone(&bench.store) };
        let id = bench::enqueue(&store, if round == 3 { check(1) } else { import(1) }).await;
        bench.reaches(id, State::Done).await;
    }
    assert_eq!(script.ran(), 5);
    worker.stop().await;
}

async fn a_pause_a_cancel_and_a_resume_reach_a_running_job_at_once(bench: &Bench) {
    let script = Script::new(|_, control| async move {
        match control.stopped().await {
            Reason::Pause => Outcome::Paused,
            Reason::Cancel => Outcome::Cancelled,
            other => panic!("{other:?}"),
        }
    });
    // No renewal would come in time.
    let worker = bench.work(&script, Limits { poll: HOUR, lease: HOUR, ..bench.limits() });
    let id = bench.enqueue(import(1)).await;
    for round in 1..=3 {
        eventually("it runs", async || script.ran() == round).await;
        let store = bench.other_process().await;
        assert_eq!(store.set_want(id, Want::Pause).await.unwrap(), Some(State::Running));
        bench.reaches(id, State::Paused).await;
        assert_eq!(store.set_want(id, Want::Run).await.unwrap(), Some(State::Queued));
    }
    eventually("it runs", async || script.ran() == 4).await;
    bench.store.set_want(id, Want::Cancel).await.unwrap();
    bench.reaches(id, State::Cancelled).await;
    let followed: Vec<State> = script.followed().into_iter().map(|(_, state)| state).collect();
    assert_eq!(followed, [State::Paused, State::Paused, State::Paused, State::Cancelled]);
    worker.stop().await;
}

async fn what_people_want_arrives_with_the_renewal_when_nobody_tells(bench: &Bench) {
    let script = Script::new(|_, control| async move {
        assert_eq!(control.stopped().await, Reason::Pause);
        Outcome::Paused
    });
    let worker = bench.work(&script, Limits { lease: Duration::from_millis(600), ..bench.limits() });
    let id = bench.enqueue(import(1)).await;
    eventually("it runs", async || script.ran() == 1).await;
    bench.sql("UPDATE job SET want = 'pause'").await;
    bench.reaches(id, State::Paused).await;
    assert_eq!(bench.job(id).await.takeovers, 0);
    worker.stop().await;
}

async fn a_job_that_was_paused_and_resumed_before_it_stopped_goes_on(bench: &Bench) {
    let (told, resumed) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (tell, wait) = (Arc::clone(&told), Arc::clone(&resumed));
    let script = Script::new(move |_, control| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            let reason = control.stopped().await;
            tell.notify_one();
            wait.acquire().await.unwrap().forget();
            if reason == Reason::Pause { Outcome::Paused } else { Outcome::GiveBack }
        }
    });
    let worker = bench.work(&script, bench.limits());
    let id = bench.enqueue(import(1)).await;
    eventually("it runs", async || script.ran() == 1).await;
    bench.store.set_want(id, Want::Pause).await.unwrap();
    told.notified().await;
    bench.store.set_want(id, Want::Run).await.unwrap();
    resumed.add_permits(1);
    eventually("it runs again", async || script.ran() == 2).await;
    let followed = script.followed();
    assert_eq!(followed, [(id, State::Queued)], "the handler hears that it was not paused after all");
    resumed.add_permits(1);
    worker.stop().await;
    assert_eq!(bench.job(id).await.state, State::Queued);
}

async fn a_panic_harms_no_other_job(bench: &Bench) {
    let script = Script::new(|job, control| async move {
        if job.priority > 0 {
            panic!("this one is broken");
        }
        control.stopped().await;
        Outcome::GiveBack
    });
    let worker = bench.work(&script, bench.limits());
    let sound = bench.enqueue(import(1)).await;
    eventually("it runs", async || script.ran() == 1).await;
    let broken = bench.enqueue(NewJob { priority: 1, ..import(1) }).await;
    bench.reaches(broken, State::Failed).await;
    let faults = script.faults();
    assert!(faults.len() == 1 && faults[0].contains("this one is broken"), "{faults:?}");
    let after = bench.enqueue(import(2)).await;
    bench.reaches(after, State::Running).await;
    assert_eq!(bench.job(sound).await.state, State::Running);
    worker.stop().await;
}

async fn a_shutdown_gives_jobs_back_and_another_worker_goes_on(bench: &Bench) {
    let script = Script::new(|_, control| async move {
        assert_eq!(control.stopped().await, Reason::Shutdown);
        Outcome::GiveBack
    });
    let worker = bench.work(&script, bench.limits());
    let ids = [bench.enqueue(import(1)).await, bench.enqueue(check(2)).await];
    eventually("both run", async || script.ran() == 2).await;
    worker.stop().await;
    for id in ids {
        let job = bench.job(id).await;
        assert_eq!((job.state, job.takeovers, job.attempts), (State::Queued, 0, 0));
    }
    let late = bench.enqueue(import(3)).await;
    assert_eq!(bench.job(late).await.state, State::Queued, "nobody works any more");
    let finishing = Script::new(|_, _| async { Outcome::Done });
    let worker = bench.work(&finishing, bench.limits());
    for id in [ids[0], ids[1], late] {
        bench.reaches(id, State::Done).await;
    }
    worker.stop().await;
}

async fn no_more_is_held_than_there_are_places(bench: &Bench) {
    let crowd = Crowd::of(3);
    let inside = Arc::clone(&crowd);
    let script = Script::new(move |_, _| {
        let inside = Arc::clone(&inside);
        async move {
            inside.meet().await;
            Outcome::Done
        }
    });
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(bench.enqueue(import(number % 4)).await);
    }
    let worker = bench.work(&script, Limits { imports: 3, ..bench.limits() });
    let held = "SELECT count(*) FROM job WHERE state = 'running'";
    while bench.job(ids[29]).await.state != State::Done {
        let running = bench.number(held).await;
        assert!(running <= 3, "{running} are held");
    }
    for id in ids {
        bench.reaches(id, State::Done).await;
    }
    assert_eq!((script.ran(), crowd.most()), (30, 3));
    worker.stop().await;
}

async fn imports_that_never_end_keep_no_check_waiting(bench: &Bench) {
    let script = Script::new(|job, control| async move {
        if job.kind == Kind::Check {
            return Outcome::Done;
        }
        control.stopped().await;
        Outcome::GiveBack
    });
    let worker = bench.work(&script, Limits { imports: 2, imports_per_customer: Some(1), ..bench.limits() });
    let giants =
        [bench.enqueue(import(1)).await, bench.enqueue(import(1)).await, bench.enqueue(import(1)).await];
    bench.reaches(giants[0], State::Running).await;
    let small = bench.enqueue(import(2)).await;
    bench.reaches(small, State::Running).await;
    for _ in 0..20 {
        let id = bench.enqueue(check(1)).await;
        bench.reaches(id, State::Done).await;
    }
    let states = [bench.job(giants[1]).await.state, bench.job(giants[2]).await.state];
    assert_eq!(states, [State::Queued; 2], "the customer's second one waits, and took nobody's place");
    worker.stop().await;
}

async fn checks_of_one_server_are_two_over_all_workers(bench: &Bench) {
    let crowd = Crowd::of(2);
    let inside = Arc::clone(&crowd);
    let script = Script::new(move |job, _| {
        let inside = Arc::clone(&inside);
        async move {
            if job.server.is_some() {
                inside.meet().await;
            }
            Outcome::Done
        }
    });
    let mut ids = Vec::new();
    for number in 0..40 {
        let server = (number % 4 != 0).then(|| "imap.example.org".to_owned());
        ids.push(bench.enqueue(NewJob { server, ..check(number) }).await);
    }
    let workers = [bench.work(&script, bench.limits()), bench.work_elsewhere(&script, bench.limits()).await];
    for id in ids {
        bench.reaches(id, State::Done).await;
    }
    assert_eq!(crowd.most(), 2);
    for worker in workers {
        worker.stop().await;
    }
}

async fn a_job_whose_lease_is_lost_is_told_so_and_its_worker_goes_on_with_others(bench: &Bench) {
    let lost = Arc::new(Notify::new());
    let tell = Arc::clone(&lost);
    let script = Script::new(move |job, control| {
        let tell = Arc::clone(&tell);
        async move {
            if job.takeovers == 0 && job.priority == 0 {
                assert_eq!(control.stopped().await, Reason::LeaseLost);
                tell.notify_one();
            }
            Outcome::Done
        }
    });
    let limits = Limits { imports: 1, lease: Duration::from_millis(900), ..bench.limits() };
    let worker = bench.work(&script, limits);
    let id = bench.enqueue(import(1)).await;
    bench.reaches(id, State::Running).await;
    // Somebody else has it now, as after a night's sleep of this machine.
    bench.sql("UPDATE job SET epoch = epoch + 1, owner = 'somebody', takeovers = 1").await;
    lost.notified().await;
    let next = bench.enqueue(NewJob { priority: 1, ..import(1) }).await;
    bench.reaches(next, State::Done).await;
    assert_eq!(script.followed(), [(next, State::Done)], "nothing was put down that was somebody else's");
    // Its "done" counted for nothing, and when the other one vanishes as well, the job comes back.
    bench.reaches(id, State::Done).await;
    assert_eq!((bench.job(id).await.takeovers, script.ran()), (2, 3));
    worker.stop().await;
}

async fn a_job_that_does_not_listen_is_ended_and_given_back(bench: &Bench) {
    let script = Script::new(|_, _| std::future::pending());
    let worker = bench.work(&script, Limits { grace: Duration::from_millis(50), ..bench.limits() });
    let id = bench.enqueue(import(1)).await;
    eventually("it runs", async || script.ran() == 1).await;
    bench.store.set_want(id, Want::Pause).await.unwrap();
    bench.reaches(id, State::Paused).await;
    bench.store.set_want(id, Want::Run).await.unwrap();
    eventually("it runs again", async || script.ran() == 2).await;
    worker.stop().await;
    assert_eq!(bench.job(id).await.state, State::Queued);
    assert_eq!(script.faults().len(), 0);
}

async fn a_job_that_blocks_its_thread_is_left_to_itself(bench: &Bench) {
    let (gate, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let script = Script::new(move |_, _| {
        let blocked = Arc::clone(&blocked);
        async move {
            // Until the test drops the other end.
            let _ = blocked.lock().unwrap().recv();
            Outcome::Done
        }
    });
    let limits = Limits { grace: Duration::from_millis(50), imports: 1, ..bench.limits() };
    let worker = bench.work(&script, limits);
    let id = bench.enqueue(import(1)).await;
    eventually("it runs", async || script.ran() == 1).await;
    bench.store.set_want(id, Want::Pause).await.unwrap();
    bench.reaches(id, State::Paused).await;
    worker.stop().await;
    drop(gate);
    assert_eq!(bench.job(id).await.state, State::Paused, "what it says later counts for nothing");
}

async fn a_job_given_back_without_need_is_not_run_in_circles(bench: &Bench) {
    let script = Script::new(|_, _| async { Outcome::GiveBack });
    let worker = bench.work(&script, Limits { poll: HOUR, ..bench.limits() });
    let id = bench.enqueue(import(1)).await;
    eventually("it was put off", async || bench.job(id).await.attempts == 1).await;
    let other = bench.enqueue(check(1)).await;
    eventually("another one came and went", async || bench.job(other).await.attempts == 1).await;
    assert_eq!((script.ran(), bench.job(id).await.state), (2, State::Queued));
    worker.stop().await;
}

async fn a_clock_that_jumps_makes_nobody_take_over_its_own_job(bench: &Bench) {
    let script = Script::new(|job, control| async move {
        if job.priority > 0 {
            return Outcome::Done;
        }
        control.stopped().await;
        Outcome::GiveBack
    });
    let worker = bench.work(&script, bench.limits());
    let id = bench.enqueue(import(1)).await;
    bench.reaches(id, State::Running).await;
    bench.sql("UPDATE job SET lease_until = 0").await;
    // The worker looks for work, and finds other work only.
    for _ in 0..3 {
        let other = bench.enqueue(NewJob { priority: 1, ..import(1) }).await;
        bench.reaches(other, State::Done).await;
    }
    assert_eq!((bench.job(id).await.takeovers, script.ran()), (0, 4));
    // A control: another worker may.
    let other = bench.work_elsewhere(&script, bench.limits()).await;
    // The worker may have renewed its lease meanwhile: the clock jumps until the other one has looked.
    eventually("it is taken over", async || {
        bench.sql("UPDATE job SET lease_until = 0 WHERE takeovers = 0").await;
        bench.job(id).await.takeovers == 1
    })
    .await;
    other.stop().await;
    worker.stop().await;
}

async fn a_job_of_a_vanished_worker_is_paused_when_that_was_wanted(bench: &Bench) {
    let (pause, cancel) = (bench.enqueue(import(1)).await, bench.enqueue(import(2)).await);
    let vanished = Script::new(|_, _| std::future::pending());
    let worker = bench.work(&vanished, bench.limits());
    eventually("both run", async || vanished.ran() == 2).await;
    worker.vanish().await;
    assert_eq!(bench.store.set_want(pause, Want::Pause).await.unwrap(), Some(State::Running));
    assert_eq!(bench.store.set_want(cancel, Want::Cancel).await.unwrap(), Some(State::Running));
    bench.sql("UPDATE job SET lease_until = 0").await;
    let script = Script::new(|_, _| async { Outcome::Done });
    let worker = bench.work(&script, bench.limits());
    bench.reaches(pause, State::Paused).await;
    bench.reaches(cancel, State::Cancelled).await;
    let followed: BTreeSet<_> = script.followed().into_iter().collect();
    assert_eq!(followed, BTreeSet::from([(pause, State::Paused), (cancel, State::Cancelled)]));
    assert_eq!(script.ran(), 0);
    worker.stop().await;
}
