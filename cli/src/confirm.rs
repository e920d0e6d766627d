//! Asking before something is gone for good.

use std::error::Error;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

/// What cannot be undone is asked for at a terminal; scripts go ahead.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Confirm {
    /// Do not ask at a terminal whether it is meant.
    #[arg(long, short = 'y')]
    yes: bool,
}

impl Confirm {
    /// An error unless it is meant.
    pub(crate) fn ask(self, what: &str) -> Result<(), Box<dyn Error>> {
        let stdin = io::stdin();
        if self.yes || !stdin.is_terminal() {
            return Ok(());
        }
        eprint!("{what}? [y/N] ");
        io::stderr().flush()?;
        let mut answer = String::new();
        stdin.lock().read_line(&mut answer)?;
        if !answer.ends_with('\n') {
            // Ctrl-D leaves the cursor where it is.
            eprintln!();
        }
        if is_yes(&answer) { Ok(()) } else { Err("nothing is changed".into()) }
    }
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        assert!(["y\n", "Yes\n", " YES "].into_iter().all(is_yes));
        assert!(!["", "\n", "n\n", "yess\n", "ye\n", "j\n"].into_iter().any(is_yes));
    }
}
