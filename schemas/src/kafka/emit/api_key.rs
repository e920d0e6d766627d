//! The enum of the APIs and what the table says about each.

use super::generated_from;
use crate::kafka::table::Table;

/// Tables of other kinds have no part in it.
pub(in crate::kafka) fn api_key(tables: &[Table]) -> String {
    let mut text = String::from("//! The APIs: their keys, names and versions.\n//!\n");
    text += &generated_from("*");
    text += "use crate::kafka::api_key::{ApiSpec, VersionRange};\n\n\
             /// A kind of request, by Kafka's name.\n\
             #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\n\
             pub enum ApiKey {\n";
    let (mut all, mut known, mut specs) = (String::new(), String::new(), String::new());
    let apis = tables.iter().filter_map(|table| Some((table, table.api()?)));
    let count = apis.clone().count();
    for (table, api) in apis {
        let name = &table.name;
        if !table.about.is_empty() {
            let first = table.about.chars().next().expect("not empty");
            text += &format!("/// {}{}.\n", first.to_ascii_uppercase(), &table.about[first.len_utf8()..]);
        }
        text += &format!("{name},\n");
        all += &format!("ApiKey::{name},");
        known += &format!("{} => ApiKey::{name},\n", api.key);
        specs += &format!(
            "ApiKey::{name} => &ApiSpec {{ key: {}, name: \"{name}\", served: {}, \
             handled: VersionRange {{ min: {}, max: {} }}, advertised: VersionRange {{ min: {}, max: {} }}, \
             first_flexible: {:?} }},\n",
            api.key,
            api.served,
            table.handled.first,
            table.handled.last,
            api.advertised.first,
            api.advertised.last,
            table.flexible,
        );
    }
    text += &format!(
        "}}\n\nimpl ApiKey {{\n\
         /// Every API of the table, ordered by key.\n\
         pub const ALL: [ApiKey; {}] = [{all}];\n\n\
         /// The API with that number.\n\
         pub const fn from_key(key: i16) -> Option<ApiKey> {{\nSome(match key {{\n{known} _ => return None,\n}})\n}}\n\n\
         pub(in crate::kafka) const fn spec(self) -> &'static ApiSpec {{\nmatch self {{\n{specs}}}\n}}\n}}\n",
        count
    );
    text
}
