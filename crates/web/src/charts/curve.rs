//! Speed and progress over time.

use std::fmt::Write as _;

use askama::Template;
use jiff::Timestamp;
use service::model::Sample;

use crate::html::{self, Html};
use crate::words::Words;

/// Points that are drawn at most: more cannot be told apart.
const POINTS: usize = 240;
/// Points of a sparkline at most.
const SPARK: usize = 48;
/// Rows of the table behind a chart at most.
const ROWS: usize = 24;
/// The drawing's own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// A point of a curve: seconds since the first, octets done, octets a second since the point before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at: Timestamp,
    pub(super) seconds: f64,
    pub(super) octets: u64,
    pub(super) messages: u64,
    pub(super) speed: f64,
}

/// At most `most` points, evenly chosen, always the first and the last.
pub(super) fn points(samples: &[Sample], most: usize) -> Vec<Point> {
    let Some(first) = samples.first() else { return Vec::new() };
    let step = samples.len().div_ceil(most.max(2)).max(1);
    let last = samples.len() - 1;
    let chosen = samples.iter().enumerate().filter(|(index, _)| *index == last || index % step == 0);
    let mut points: Vec<Point> = Vec::new();
    for (_, sample) in chosen {
        let seconds = sample.at.duration_since(first.at).as_secs_f64();
        let speed = match points.last() {
            Some(before) if seconds > before.seconds => {
                sample.octets.saturating_sub(before.octets) as f64 / (seconds - before.seconds)
            }
            Some(before) => before.speed,
            None => 0.0,
        };
        let (at, octets, messages) = (sample.at, sample.octets, sample.messages);
        points.push(Point { at, seconds, octets, messages, speed });
    }
    // The first point has no speed of its own.
    if let [first, second, ..] = points.as_mut_slice() {
        first.speed = second.speed;
    }
    points
}

/// The next larger 1, 2 or 5 times a power of ten: where an axis ends.
pub(super) fn round_up(value: f64) -> f64 {
    if value <= 1.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|end| *end >= value).unwrap_or(value)
}

/// A line through values between 0 and `top`.
fn line(points: &[Point], top: f64, value: impl Fn(&Point) -> f64) -> String {
    let end = points.last().map_or(1.0, |point| point.seconds).max(1.0);
    let mut path = String::with_capacity(points.len() * 12);
    for (index, point) in points.iter().enumerate() {
        let x = point.seconds / end * WIDTH;
        let y = HEIGHT - (value(point) / top).clamp(0.0, 1.0) * HEIGHT;
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{command}{x:.1} {y:.1}");
    }
    path
}

/// The same, closed along the bottom.
fn area(line: &str) -> String {
    format!("{line}L{WIDTH:.1} {HEIGHT:.1}L0 {HEIGHT:.1}Z")
}

/// Speed of the last minutes, beside the number that says it; nothing before there is something to see.
pub(crate) fn sparkline(words: &Words, samples: &[Sample]) -> Html {
    let from = samples.len().saturating_sub(SPARK + 1);
    let points = points(&samples[from..], SPARK + 1);
    if points.len() < 3 {
        return Html::EMPTY;
    }
    let top = points.iter().map(|point| point.speed).fold(1.0, f64::max);
    let line = line(&points, top, |point| point.speed);
    let title = html::text(&words.naming("chart-spark", words.speed(top as u64)));
    Html::made(format!(
        "<svg class=\"spark\" viewBox=\"0 -4 {WIDTH} {}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{title}\"><path class=\"area\" d=\"{}\"/><path class=\"line\" d=\"{line}\"/></svg>",
        HEIGHT + 8.0,
        area(&line),
    ))
}

/// One drawing with the words around it.
struct Panel {
    id: &'static str,
    title: String,
    description: String,
    top: String,
    middle: String,
    line: String,
    area: String,
}

/// A row of the table behind it.
struct Row {
    time: String,
    done: String,
    messages: String,
    speed: String,
}

#[derive(Template)]
#[template(path = "curves.html")]
struct Curves<'a> {
    w: &'a Words,
    panels: Vec<Panel>,
    from: String,
    to: String,
    rows: Vec<Row>,
}

/// Progress and speed over time, with the numbers behind them; nothing before there are three samples.
pub(crate) fn curves(words: &Words, samples: &[Sample], octets_total: Option<u64>) -> Html {
    let points = points(samples, POINTS);
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Html::EMPTY };
    if points.len() < 3 || last.seconds < 1.0 {
        return Html::EMPTY;
    }
    let (from, to) = (words.time(first.at), words.time(last.at));
    let curves = Curves {
        w: words,
        panels: vec![progress(words, &points, octets_total), speed(words, &points)],
        from,
        to,
        rows: rows(words, samples),
    };
    Html::of(&curves)
}

fn progress(words: &Words, points: &[Point], octets_total: Option<u64>) -> Panel {
    let done = points.last().map_or(0, |point| point.octets);
    let top = octets_total.unwrap_or(0).max(done).max(1);
    let line = line(points, top as f64, |point| point.octets as f64);
    let values = [("done", words.octets(done).into()), ("total", words.octets(top).into())];
    Panel {
        id: "progress",
        title: words.say("chart-progress").into_owned(),
        description: words.with("chart-progress-says", &values).into_owned(),
        top: words.octets(top),
        middle: words.octets(top / 2),
        area: area(&line),
        line,
    }
}

fn speed(words: &Words, points: &[Point]) -> Panel {
    let most = points.iter().map(|point| point.speed).fold(0.0, f64::max);
    let top = round_up(most);
    let line = line(points, top, |point| point.speed);
    let seconds = points.last().map_or(1.0, |point| point.seconds).max(1.0);
    let octets = points.last().map_or(0, |last| last.octets.saturating_sub(points[0].octets));
    let mean = (octets as f64 / seconds) as u64;
    let values = [("mean", words.speed(mean).into()), ("most", words.speed(most as u64).into())];
    Panel {
        id: "speed",
        title: words.say("chart-speed").into_owned(),
        description: words.with("chart-speed-says", &values).into_owned(),
        top: words.speed(top as u64),
        middle: words.speed((top / 2.0) as u64),
        area: area(&line),
        line,
    }
}

fn rows(words: &Words, samples: &[Sample]) -> Vec<Row> {
    let row = |point: Point| Row {
        time: words.time(point.at),
        done: words.octets(point.octets),
        messages: words.number(point.messages),
        speed: words.speed(point.speed as u64),
    };
    points(samples, ROWS).into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, octets: u64) -> Sample {
        Sample { at: Timestamp::from_second(second).unwrap(), messages: octets / 10, octets }
    }

    #[test]
    fn long_curves_keep_their_ends_and_few_points() {
        let samples: Vec<Sample> = (0..10_000).map(|i| sample(i, i as u64 * 1000)).collect();
        let points = points(&samples, POINTS);
        assert!(points.len() <= POINTS + 1, "{}", points.len());
        assert_eq!((points[0].octets, points.last().unwrap().octets), (0, 9_999_000));
        assert!(points.iter().all(|point| (point.speed - 1000.0).abs() < 0.01));
    }

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, end) in [(0.0, 1.0), (1.0, 1.0), (3.0, 5.0), (12.0, 20.0), (50.0, 50.0), (6.1e6, 1e7)] {
            assert_eq!(round_up(value), end, "{value}");
        }
    }

    #[test]
    fn too_little_draws_nothing_and_equal_times_divide_by_nothing() {
        let words = Words::new(service::model::Language::English, None);
        assert!(curves(&words, &[], None).is_empty());
        assert!(curves(&words, &[sample(0, 0), sample(1, 1)], None).is_empty());
        let standing = [sample(5, 1), sample(5, 2), sample(5, 3)];
        assert!(curves(&words, &standing, None).is_empty());
        assert!(points(&standing, 9).iter().all(|point| point.speed.is_finite()));
    }
}
