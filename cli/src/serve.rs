//! `corelane serve`: run a broker.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use broker::config::{Gathered, SETTINGS};
use clap::Args;
use rt::StopSignal;

/// Run a broker until it is asked to stop (SIGTERM or Ctrl-C).
///
/// Settings come from the file, then the environment (CORELANE_KAFKA_LISTEN for kafka.listen), then flags; the later
/// win. Once the broker serves it prints one line: `ready kafka=ADDRESS http=ADDRESS
/// native=ADDRESS`, without http where there is no such door, and with lanes ` lanes=ADDRESS` of the first.
#[derive(Args)]
#[command(after_long_help = settings_help())]
pub(crate) struct Serve {
    /// Folder of all data; made if it is missing.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Where Kafka clients connect; port 0 takes any free one.
    #[arg(long, value_name = "ADDR")]
    kafka: Option<String>,
    /// Where native clients connect: core n listens on this port plus n.
    #[arg(long, value_name = "ADDR")]
    native: Option<String>,
    /// Cores to run on: all, a number, or a list such as 0,2-3.
    #[arg(long, value_name = "N|LIST")]
    cores: Option<String>,
    /// Settings as a TOML file; unknown keys are errors.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting by its name; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Print the settings as they come together, and stop.
    #[arg(long)]
    print_config: bool,
}

fn settings_help() -> String {
    let mut text = String::from("Settings:\n");
    for setting in SETTINGS {
        let default = if setting.default.is_empty() { "empty" } else { setting.default };
        text.push_str(&format!(
            "  {}\n      {} [default: {default}; {}]\n",
            setting.name,
            setting.about,
            setting.kind.bounds()
        ));
    }
    text.push_str("  topics.defaults.NAME\n      Default of the topic setting NAME (Kafka's names) for topics that do not set it.\n");
    text
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let mut settings = Gathered::default();
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            settings.file(&path.display().to_string(), &text)?;
        }
        settings.environment(std::env::vars())?;
        let flags = [
            ("data", &self.data),
            ("kafka.listen", &self.kafka),
            ("native.listen", &self.native),
            ("cores", &self.cores),
        ];
        for (name, value) in flags {
            if let Some(value) = value {
                settings.set(name, value)?;
            }
        }
        for pair in &self.set {
            let (name, value) = pair.split_once('=').ok_or_else(|| format!("--set {pair}: write NAME=VALUE"))?;
            settings.set(name.trim(), value.trim())?;
        }
        let config = settings.finish()?;
        if self.print_config {
            for (name, value) in settings.values() {
                println!("{name} = {value}");
            }
            return Ok(());
        }
        let stop = StopSignal::on_terminate()?;
        broker::serve(config, stop, |ready| {
            let mut stdout = std::io::stdout().lock();
            // Whoever started this may have closed the pipe: the broker serves all the same.
            let lanes = ready.lanes.map(|lanes| format!(" lanes={lanes}")).unwrap_or_default();
            let http = ready.http.map(|http| format!(" http={http}")).unwrap_or_default();
            let _ = writeln!(stdout, "ready kafka={}{http} native={}{lanes}", ready.kafka, ready.native);
            let _ = stdout.flush();
        })?;
        Ok(())
    }
}
