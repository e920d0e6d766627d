//! Running a target over its corpus and over mutations of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base::SeededRandom;

use crate::corpus::{load, to_hex};
use crate::mutate::mutate;
use crate::target::{Target, Verdict};

/// Accepted inputs that are kept to be mutated on, beside the corpus.
const POOL_MAX: usize = 1_024;
/// An input that takes longer has no end.
const INPUT_TIME_MAX: Duration = Duration::from_secs(60);

/// What is being run, for the thread that looks whether it ends.
type Current = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

pub(crate) fn run(target: &Target, name: &'static str) {
    let seed = std::env::var("CORELANE_SEED").map_or(1, |text| text.parse().expect("CORELANE_SEED is a number"));
    let time = std::env::var("CORELANE_FUZZ_SECONDS").ok().map(|text| text.parse().expect("a number of seconds"));
    let time = time.map(Duration::from_secs);
    let begun = Instant::now();
    let current = watch(name);
    let corpus = load(name);
    let mut pool = corpus.clone();
    for input in &corpus {
        check(target, name, &current, input);
    }
    let mut random = SeededRandom::new(seed);
    let (mut count, mut accepted) = (0_u64, 0_u64);
    while time.map_or(count < target.inputs as u64, |time| begun.elapsed() < time) {
        let mut input = pool[random.index(pool.len())].clone();
        let other = random.index(pool.len());
        mutate(&mut random, &mut input, &pool[other], target.input_bytes_max);
        if !random.one_in(4) {
            (target.seal)(&mut input);
        }
        count += 1;
        if check(target, name, &current, &input) == Verdict::Accepted {
            accepted += 1;
            let fresh = corpus.len() + random.index(POOL_MAX);
            match pool.get_mut(fresh) {
                Some(place) => *place = input,
                None => pool.push(input),
            }
        }
    }
    *current.lock().expect("nobody panics with the lock") = None;
    println!("{name}: {} of the corpus and {count} mutated inputs, {accepted} accepted, seed {seed}", corpus.len());
    assert!(accepted > 0, "no mutated input was accepted: the mutator never gets past the first check");
}

fn check(target: &Target, name: &str, current: &Current, input: &[u8]) -> Verdict {
    *current.lock().expect("nobody panics with the lock") = Some((Instant::now(), input.to_vec()));
    let verdict = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    verdict.unwrap_or_else(|panic| {
        *current.lock().expect("nobody panics with the lock") = None;
        report(name, input);
        std::panic::resume_unwind(panic);
    })
}

fn report(name: &str, input: &[u8]) {
    eprintln!(
        "{name} fails with {} bytes; to repeat it:\nCORELANE_FUZZ_TARGET={name} CORELANE_FUZZ_INPUT={} \
         cargo test -p tests --test fuzz one_input_again -- --nocapture",
        input.len(),
        to_hex(input)
    );
}

/// Ends the process when one input takes too long.
fn watch(name: &'static str) -> Current {
    let current: Current = Arc::default();
    let watched = Arc::downgrade(&current);
    std::thread::spawn(move || {
        while let Some(current) = watched.upgrade() {
            let now = current.lock().expect("nobody panics with the lock").clone();
            if let Some((begun, input)) = now
                && begun.elapsed() > INPUT_TIME_MAX
            {
                eprintln!("{name} does not end");
                report(name, &input);
                std::process::abort();
            }
            drop(current);
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    current
}
