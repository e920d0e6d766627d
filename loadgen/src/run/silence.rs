//! Producers that were not answered: what a run says of them, so that silence is not taken for a small load.

use crate::engine::stats::Answers;

/// Producers that one sentence names; of more it gives the number.
const NAMED_MAX: usize = 8;

/// What is wrong with the answers of a run's producers, in full sentences. `acked` is what was acknowledged in the
/// measured time.
pub(super) fn problems(answers: &[Answers], is_closed_loop: bool, acked: u64) -> Vec<String> {
    let mut problems = Vec::new();
    let waiting: Vec<&Answers> = answers.iter().filter(|answers| answers.unanswered > 0).collect();
    if !waiting.is_empty() {
        let one =
            |of: &Answers| format!("{} ({} batches, for {:.1} s)", of.producer, of.unanswered, seconds(of.waited));
        problems.push(format!("Producers without an answer when the run was over: {}.", names(&waiting, one)));
    }
    if !is_closed_loop {
        return problems;
    }
    // An open loop counts what was due. A closed one sends nothing while it waits, and would look like a small load.
    let silent: Vec<&Answers> = answers.iter().filter(|answers| answers.measured == 0).collect();
    if !silent.is_empty() {
        let one = |of: &Answers| format!("{} (waited for up to {:.1} s)", of.producer, seconds(of.longest));
        problems.push(format!("Producers without an answer in the measured time: {}.", names(&silent, one)));
    }
    if acked == 0 {
        problems.push("Nothing was measured: no record was acknowledged in the measured time.".to_owned());
    }
    problems
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

fn names(all: &[&Answers], one: impl Fn(&Answers) -> String) -> String {
    let mut sorted = all.to_vec();
    sorted.sort_by_key(|answers| answers.producer);
    let mut named: Vec<String> = sorted.iter().take(NAMED_MAX).map(|answers| one(answers)).collect();
    if let Some(more) = all.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn answered(producer: u32) -> Answers {
        Answers { producer, unanswered: 0, waited: 0, measured: 7, longest: SECOND }
    }

    #[test]
    fn a_run_whose_producers_were_answered_has_no_problem() {
        assert_eq!(problems(&[answered(0), answered(1)], true, 70), Vec::<String>::new());
    }

    #[test]
    fn who_waits_at_the_end_is_named_with_its_time() {
        let waiting = |producer| Answers { unanswered: 2, waited: 5 * SECOND / 2, ..answered(producer) };
        let found = problems(&[waiting(3), answered(1), waiting(0)], false, 70);
        assert_eq!(
            found,
            ["Producers without an answer when the run was over: 0 (2 batches, for 2.5 s), 3 (2 batches, for 2.5 s)."]
        );
        let many: Vec<Answers> = (0..20).map(waiting).collect();
        let found = problems(&many, false, 70);
        assert!(found.len() == 1 && found[0].ends_with("7 (2 batches, for 2.5 s), and 12 more."), "{found:?}");
    }

    #[test]
    fn a_closed_loop_that_was_not_answered_in_the_measured_time_says_so_even_if_it_was_later() {
        let silent = Answers { measured: 0, longest: 4 * SECOND, ..answered(2) };
        assert_eq!(problems(&[silent], false, 0), Vec::<String>::new(), "an open loop has its schedule");
        let expected = "Producers without an answer in the measured time: 2 (waited for up to 4.0 s).";
        assert_eq!(problems(&[answered(1), silent], true, 70), [expected]);
        let nothing = "Nothing was measured: no record was acknowledged in the measured time.";
        assert_eq!(problems(&[silent], true, 0), [expected, nothing]);
    }
}
