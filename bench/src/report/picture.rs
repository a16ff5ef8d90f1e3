//! Bar charts as SVG. Each has its own background, so that it can be read on any page.

use crate::result::{Row, Unit, Verdict};

const WIDTH: f64 = 960.0;
const LABEL: f64 = 400.0;
const LINE: f64 = 26.0;
const TOP: f64 = 46.0;

const INK: &str = "#1f2933";
const PALE: &str = "#7b8794";
const GOOD: &str = "#2f855a";
const FAIR: &str = "#2b6cb0";
const BAD: &str = "#c05621";
const PEER: &str = "#a0aec0";

/// Ratios of CPU times as bars, with quartiles as whiskers and the limits as marks.
pub(crate) fn ratios(rows: &[Row]) -> Option<String> {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.unit == Unit::Ratio && row.value.is_some()).collect();
    let most = |row: &&Row| {
        let limit = row.limits.map_or(0.0, |(must, _)| must);
        row.value.map_or(limit, |value| value.high.max(limit))
    };
    let most = rows.iter().map(most).fold(1.0, f64::max);
    let mut picture =
        Picture::new("CPU time for a request: Bearward / peer (less is better; | must, dotted: aim)", rows.len())?;
    let scale = (WIDTH - LABEL - 80.0) / most;
    picture.line(LABEL + scale, TOP, LABEL + scale, picture.bottom(), PALE, "2,4");
    for (n, row) in rows.iter().enumerate() {
        let Some(value) = row.value else { continue };
        let y = TOP + n as f64 * LINE;
        let colour = match row.verdict() {
            Verdict::Aim => GOOD,
            Verdict::Missed => BAD,
            _ => FAIR,
        };
        picture.label(y, &format!("{}  {}", row.id, row.what));
        picture.bar(LABEL, y, value.median * scale, colour);
        let middle = y + LINE / 2.0;
        picture.line(LABEL + value.low * scale, middle, LABEL + value.high * scale, middle, INK, "");
        if let Some((must, aim)) = row.limits {
            picture.line(LABEL + must * scale, y + 2.0, LABEL + must * scale, y + LINE - 2.0, INK, "");
            picture.line(LABEL + aim * scale, y + 2.0, LABEL + aim * scale, y + LINE - 2.0, INK, "2,2");
        }
        let end = value.high.max(row.limits.map_or(0.0, |(must, _)| must));
        picture.text(LABEL + end * scale + 6.0, y, &format!("{:.2}", value.median));
    }
    Some(picture.finish())
}

/// CPU times of both sides, with the kernel's share in a darker tone.
pub(crate) fn cpu(rows: &[Row]) -> Option<String> {
    let sides =
        rows.iter().filter(|row| row.unit == Unit::Ratio).flat_map(|row| row.sides.iter().map(move |side| (row, side)));
    // What takes twenty times as long as the rest would flatten it.
    let sides: Vec<_> = sides.filter(|(_, (_, side))| side.cpu < 400.0).collect();
    let most = sides.iter().map(|(_, (_, side))| side.cpu).fold(1.0, f64::max);
    let mut picture = Picture::new("CPU time for a request in microseconds (dark: the kernel's share)", sides.len())?;
    let scale = (WIDTH - LABEL - 80.0) / most;
    for (n, (row, (name, side))) in sides.iter().enumerate() {
        let y = TOP + n as f64 * LINE;
        let what = row.what.split(" / ").next().unwrap_or_default();
        picture
            .label(y, &format!("{}  {name}{}", row.id, if n % 2 == 0 { format!(", {what}") } else { String::new() }));
        picture.bar(LABEL, y, side.cpu * scale, if *name == "Bearward" { FAIR } else { PEER });
        picture.shade(LABEL, y, side.system * scale);
        picture.text(LABEL + side.cpu * scale + 6.0, y, &format!("{:.1}", side.cpu));
    }
    Some(picture.finish())
}

/// Memory, each kind on a scale of its own.
pub(crate) fn memory(rows: &[Row]) -> Option<String> {
    let is_memory = |row: &&Row| matches!(row.unit, Unit::Megabytes | Unit::Kilobytes) && row.value.is_some();
    let rows: Vec<&Row> = rows.iter().filter(is_memory).collect();
    let mut picture = Picture::new("Memory (each kind has a scale of its own)", rows.len())?;
    for (n, row) in rows.iter().enumerate() {
        let Some(value) = row.value else { continue };
        let same = rows.iter().filter(|other| other.id == row.id).filter_map(|other| other.value);
        let scale = (WIDTH - LABEL - 100.0) / same.map(|value| value.median).fold(1.0, f64::max);
        let y = TOP + n as f64 * LINE;
        picture.label(y, &row.what);
        picture.bar(LABEL, y, value.median * scale, if row.what.starts_with("Bearward") { FAIR } else { PEER });
        picture.text(LABEL + value.median * scale + 6.0, y, &row.unit.show(value.median));
    }
    Some(picture.finish())
}

struct Picture {
    body: String,
    height: f64,
}

impl Picture {
    /// An empty chart with so many lines; `None` where there are none.
    fn new(title: &str, lines: usize) -> Option<Self> {
        let height = TOP + lines as f64 * LINE + 14.0;
        let mut picture = Self { body: String::new(), height };
        picture.body.push_str(&format!("<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"));
        picture.body.push_str(&format!(
            "<text x=\"14\" y=\"28\" font-size=\"16\" font-weight=\"600\" fill=\"{INK}\">{}</text>\n",
            escape(title)
        ));
        (lines > 0).then_some(picture)
    }

    fn bottom(&self) -> f64 {
        self.height - 12.0
    }

    fn label(&mut self, y: f64, text: &str) {
        // About as many letters as there is room for.
        let short: String =
            if text.chars().count() > 64 { text.chars().take(63).chain(['…']).collect() } else { text.to_owned() };
        self.body.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" font-size=\"12\" text-anchor=\"end\" fill=\"{INK}\">{}</text>\n",
            LABEL - 8.0,
            y + 17.0,
            escape(&short)
        ));
    }

    fn text(&mut self, x: f64, y: f64, text: &str) {
        self.body.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{}\" font-size=\"12\" fill=\"{INK}\">{}</text>\n",
            y + 17.0,
            escape(text)
        ));
    }

    fn bar(&mut self, x: f64, y: f64, width: f64, colour: &str) {
        self.rect(x, y, width, colour, 1.0);
    }

    fn shade(&mut self, x: f64, y: f64, width: f64) {
        self.rect(x, y, width, "#000000", 0.3);
    }

    fn rect(&mut self, x: f64, y: f64, width: f64, colour: &str, opacity: f64) {
        self.body.push_str(&format!(
            "<rect x=\"{x}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\" fill=\"{colour}\" opacity=\"{opacity}\"/>\n",
            y + 4.0,
            LINE - 8.0
        ));
    }

    fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, colour: &str, dashes: &str) {
        self.body.push_str(&format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"1.5\" \
             stroke-dasharray=\"{dashes}\"/>\n"
        ));
    }

    fn finish(self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {0}\" width=\"{WIDTH}\" height=\"{0}\" \
             font-family=\"system-ui, sans-serif\">\n{1}</svg>\n",
            self.height, self.body
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
