//! Who a data folder belongs to: made at the first start, checked at every later one.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base::{BrokerId, TopicId};
use serde::{Deserialize, Serialize};
use shard::layout;

const FILE: &str = "broker.toml";
/// Version of the data folder's layout and of the formats in it.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BrokerFile {
    format: u32,
    cluster_id: String,
    node_id: u32,
}

/// Reads the folder's identity, or gives a new folder one. Returns the cluster's id.
pub(crate) fn load(folder: &Path, node: BrokerId) -> Result<String, (PathBuf, String)> {
    let path = folder.join(FILE);
    let failed = |why: String| (path.clone(), why);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let known: BrokerFile = toml::from_str(&text).map_err(|error| failed(error.message().to_owned()))?;
            if known.format != FORMAT {
                return Err(failed(format!("the folder has format {}, this release reads {FORMAT}", known.format)));
            }
            if known.node_id != node.0 {
                let why = format!("the folder belongs to node.id {}, the configuration says {node}", known.node_id);
                return Err(failed(why));
            }
            Ok(known.cluster_id)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if folder.join(layout::JOURNALS).exists() {
                let why = "the folder holds a broker's data, but not the file that says whose: restore it";
                return Err(failed(why.to_owned()));
            }
            let cluster_id = new_id().map_err(|error| failed(error.to_string()))?;
            let new = BrokerFile { format: FORMAT, cluster_id: cluster_id.clone(), node_id: node.0 };
            write(folder, &path, &new).map_err(|error| failed(error.to_string()))?;
            Ok(cluster_id)
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

fn new_id() -> io::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(TopicId::from_random(u128::from_be_bytes(bytes)).to_string())
}

fn write(folder: &Path, path: &Path, content: &BrokerFile) -> io::Result<()> {
    let text = toml::to_string(content).map_err(io::Error::other)?;
    let new = path.with_extension("toml.new");
    let mut file = std::fs::File::create(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    std::fs::File::open(folder)?.sync_all()
}
