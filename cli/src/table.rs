//! Tables for people.

/// Rows as a table: every column as wide as its widest cell, numbers to the right.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(headings[column].chars().count())
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let is_number = |text: &str| {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ');
        digits(whole) && digits(fraction)
    };
    let numeric: Vec<bool> = (0..headings.len())
        .map(|column| rows.iter().all(|row| is_number(&row[column]) || row[column] == "-"))
        .collect();
    let mut text = String::new();
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths[column] - cell.chars().count());
            match numeric[column] {
                true => line.extend([&gap, cell.as_str(), "  "]),
                false => line.extend([cell.as_str(), &gap, "  "]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_aligns_numbers_to_the_right() {
        let rows = vec![vec!["a".to_owned(), "10".to_owned()], vec!["bcd".to_owned(), "-".to_owned()]];
        assert_eq!(table(&["NAME", "N"], &rows), "NAME   N\na     10\nbcd    -\n");
        let rows = vec![vec!["10.5".to_owned(), "127.0.0.1".to_owned()], vec!["0.1".to_owned(), "-".to_owned()]];
        assert_eq!(table(&["S", "HOST"], &rows), "   S  HOST\n10.5  127.0.0.1\n 0.1  -\n");
    }
}
