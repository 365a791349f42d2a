//! Runs a program and reads what it cost, as `/usr/bin/time` tells it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::step::Failure;

/// What one run cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    /// From start to end, seconds.
    pub(crate) wall: f64,
    /// Of the processor, by the program and the system for it, seconds.
    pub(crate) cpu: f64,
    /// The largest resident memory, MiB.
    pub(crate) memory: f64,
    /// Octets that came from the server.
    pub(crate) received: u64,
    /// How often the program said something after the server had.
    pub(crate) round_trips: u64,
}

/// The part of a cost that a run of a program itself shows.
pub(crate) fn run(command: &mut Command, scratch: &Path) -> Result<Cost, Failure> {
    let figures = scratch.join("time");
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%e %U %S %M", "-o"]).arg(&figures).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => timed.env(name, value),
            None => timed.env_remove(name),
        };
    }
    // The figures of `time` are rounded to hundredths, too coarse for the quick ones.
    let started = Instant::now();
    let output = timed.stdin(Stdio::null()).output().map_err(|error| format!("/usr/bin/time: {error}"))?;
    let wall = started.elapsed().as_secs_f64();
    if !output.status.success() {
        let said = [&output.stdout[..], &output.stderr[..]].concat();
        let said = String::from_utf8_lossy(&said);
        return Err(format!("{:?} ended with {}: {said}", command.get_program(), output.status));
    }
    let text = std::fs::read_to_string(&figures).map_err(|error| format!("the figures: {error}"))?;
    parse(&text).map(|cost| Cost { wall, ..cost }).ok_or_else(|| format!("no figures: {text}"))
}

fn parse(text: &str) -> Option<Cost> {
    let mut numbers = text.split_whitespace().map(|word| word.parse::<f64>().ok());
    let [wall, user, system, kilobytes] =
        [numbers.next()??, numbers.next()??, numbers.next()??, numbers.next()??];
    Some(Cost { wall, cpu: user + system, memory: kilobytes / 1024.0, received: 0, round_trips: 0 })
}

/// The middle one; of an even number the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (lower, upper) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(lower), values.get(upper)) {
        (Some(lower), Some(upper)) => f64::midpoint(*lower, *upper),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn the_figures_of_time_are_read() {
        let cost = parse("1.25 0.50 0.25 20480\n").unwrap();
        assert_eq!((cost.wall, cost.cpu, cost.memory), (1.25, 0.75, 20.0));
        assert_eq!(parse("Command exited with non-zero status 1"), None);
    }
}
