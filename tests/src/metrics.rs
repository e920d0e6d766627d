//! Metrics as a strict reader of Prometheus' text format 0.0.4 takes them: what it allows to be sloppy is an error here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug, Default)]
struct Family {
    kind: String,
    /// By the whole name of a series, with `_bucket` and the like.
    samples: BTreeMap<(String, Labels), f64>,
}

#[derive(Clone, Debug, Default)]
pub struct Metrics(BTreeMap<String, Family>);

impl Metrics {
    /// What a broker says now.
    pub fn scrape(http: SocketAddr) -> Self {
        let response = crate::http::get(http, "/metrics").expect("the broker answers");
        assert_eq!(response.status, 200, "{}", response.head);
        assert!(response.head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"), "{}", response.head);
        Self::parse(&response.body).unwrap_or_else(|why| panic!("{why}\n{}", response.body))
    }

    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        let (mut metrics, mut helped, mut current) = (Self::default(), BTreeSet::new(), String::new());
        for line in text.lines() {
            let wrong = |why: &str| format!("{why}: {line}");
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, about) = rest.split_once(' ').ok_or_else(|| wrong("no help"))?;
                if about.is_empty() || !helped.insert(name.to_owned()) {
                    return Err(wrong("help twice, or none"));
                }
                current = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').ok_or_else(|| wrong("no type"))?;
                if name != current || !["counter", "gauge", "histogram"].contains(&kind) {
                    return Err(wrong("a type of something else"));
                }
                let family = Family { kind: kind.to_owned(), ..Family::default() };
                if metrics.0.insert(name.to_owned(), family).is_some() {
                    return Err(wrong("type twice"));
                }
            } else {
                let (name, labels, value) = sample(line).ok_or_else(|| wrong("no sample"))?;
                let family = metrics.0.get_mut(&current).ok_or_else(|| wrong("no type before"))?;
                let suffix = name.strip_prefix(current.as_str()).ok_or_else(|| wrong("a sample of another metric"))?;
                let suffixes: &[&str] = if family.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                let is_counter = current.ends_with("_total");
                if !suffixes.contains(&suffix) || is_counter != (family.kind == "counter") || value < 0.0 {
                    return Err(wrong("not what its type says"));
                }
                if family.samples.insert((name, labels), value).is_some() {
                    return Err(wrong("a series twice"));
                }
            }
        }
        for (name, family) in &metrics.0 {
            family.check(name)?;
        }
        Ok(metrics)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The sum over all series with these labels, of a name with `_count` or `_sum` for histograms; `None` without any.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let values: Vec<f64> = self.series(name, labels).into_iter().map(|(_, value)| value).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// As [`Metrics::sum`], of what must be there.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.sum(name, labels).unwrap_or_else(|| panic!("there is no {name} with {labels:?}"))
    }

    /// All series of a name that have these labels.
    pub fn series(&self, name: &str, labels: &[(&str, &str)]) -> Vec<(Labels, f64)> {
        let family = ["", "_bucket", "_sum", "_count"].into_iter().find_map(|end| self.0.get(name.strip_suffix(end)?));
        let has = |of: &Labels| labels.iter().all(|(label, value)| of.get(*label).is_some_and(|of| of == value));
        let samples = family.into_iter().flat_map(|family| &family.samples);
        samples.filter(|((of, its), _)| of == name && has(its)).map(|((_, its), value)| (its.clone(), *value)).collect()
    }
}

impl Family {
    /// Samples there are, and the buckets of histograms rise to the count.
    fn check(&self, name: &str) -> Result<(), String> {
        if self.samples.is_empty() {
            return Err(format!("{name} has no samples"));
        }
        if self.kind != "histogram" {
            return Ok(());
        }
        let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
        for ((of, labels), value) in &self.samples {
            if *of != format!("{name}_bucket") {
                continue;
            }
            let mut rest = labels.clone();
            let bound = rest.remove("le").ok_or_else(|| format!("a bucket of {name} has no bound"))?;
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().map_err(|_| bound.clone())? };
            buckets.entry(rest).or_default().push((bound, *value));
        }
        for (labels, mut buckets) in buckets {
            buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
            let count = self.samples.get(&(format!("{name}_count"), labels.clone()));
            let rises = buckets.is_sorted_by(|left, right| left.0 < right.0 && left.1 <= right.1);
            let last = buckets.last().expect("there is one");
            let has_sum = self.samples.contains_key(&(format!("{name}_sum"), labels.clone()));
            if !rises || last.0 != f64::INFINITY || Some(&last.1) != count || !has_sum {
                return Err(format!("{name} {labels:?} is no histogram: {buckets:?}, count {count:?}"));
            }
        }
        Ok(())
    }
}

/// A series' name, labels and value.
fn sample(line: &str) -> Option<(String, Labels, f64)> {
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        first && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, quoted) = rest.split_once("=\"")?;
            let (value, after) = unquote(quoted)?;
            if !is_name(label) || labels.insert(label.to_owned(), value).is_some() {
                return None;
            }
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => {
                    rest = after.strip_prefix('}')?;
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ')?;
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (is_name(name) && plain).then_some((name.to_owned(), labels, value.parse().ok()?))
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                same @ ('\\' | '"') => same,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_text_is_taken_apart() {
        let text = "# HELP a_total What.\n# TYPE a_total counter\na_total{b=\"x\\\"\\\\\\n\",c=\"\"} 3\na_total{b=\"y\",c=\"\"} 4.5\n";
        let metrics = Metrics::parse(text).expect("it is good");
        assert_eq!(metrics.value("a_total", &[]), 7.5);
        assert_eq!(metrics.value("a_total", &[("b", "x\"\\\n")]), 3.0);
        assert_eq!(metrics.sum("a_total", &[("b", "z")]), None);
    }

    #[test]
    fn sloppy_text_is_refused() {
        let head = "# HELP a What.\n# TYPE a gauge\n";
        for bad in [
            "a 1\n",
            "# TYPE a gauge\na 1\n",
            &format!("{head}a 1"),
            &format!("{head}a 1\na 2\n"),
            &format!("{head}b 1\n"),
            &format!("{head}a -1\n"),
            &format!("{head}a{{}} 1\n"),
            &format!("{head}a{{b=\"\\x\"}} 1\n"),
            &format!("{head}a{{b=\"x}} 1\n"),
            &format!("{head}a{{b=\"x\",b=\"x\"}} 1\n"),
            &format!("{head}a  1\n"),
            head,
            "# HELP a What.\n# TYPE a counter\na 1\n",
            "# HELP a What.\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
            "# HELP a What.\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
        ] {
            assert!(Metrics::parse(bad).is_err(), "{bad}");
        }
    }
}
