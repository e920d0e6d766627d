//! The balancer's driver, on core 0: every interval it asks all cores what they were busy with, and moves what the
//! [machine](cluster::balancer) says.

use std::rc::Rc;

use cluster::balancer::{Balancer, CoreLoad, PartitionLoad};

use crate::activity::Look;
use crate::controller::Controller;
use crate::core::Core;

/// Until the broker stops. Intervals end also where nothing is to be moved: somebody may want to see them.
pub(crate) async fn balance(core: Rc<Core>, controller: Rc<Controller>) {
    let mut threshold = core.live().balancer_threshold;
    let mut balancer = Balancer::new(threshold);
    loop {
        wait_for_interval(&core).await;
        if core.connections.is_closing() {
            return;
        }
        let live = core.live();
        if live.balancer_threshold != threshold {
            threshold = live.balancer_threshold;
            balancer = Balancer::new(threshold);
        }
        let all = core.all_activity(Look::EndInterval).await;
        if !live.balancer_enabled {
            continue;
        }
        let cores: Vec<CoreLoad> =
            all.iter().map(|(core, activity)| CoreLoad { core: *core, busy: activity.busy.into() }).collect();
        let partitions: Vec<PartitionLoad> = all
            .iter()
            .flat_map(|(core, activity)| activity.partitions.iter().map(|(id, busy)| (*core, *id, *busy)))
            .map(|(core, partition, busy)| PartitionLoad { partition, core, busy: busy.into() })
            .collect();
        let proposed = balancer.look(&cores, &partitions);
        tracing::debug!(busy_us_per_s = ?cores.iter().map(|load| load.busy).collect::<Vec<_>>(), ?proposed, "cores");
        if let Some(proposed) = proposed {
            core.moves.balanced.set(core.moves.balanced.get() + 1);
            // What comes of it is said there, and seen at the next looks.
            let _ = controller.move_partition(&core, proposed.partition, proposed.to).await;
        }
    }
}

/// The interval may become another one meanwhile.
async fn wait_for_interval(core: &Core) {
    let begun = rt::now();
    loop {
        let tuned = core.altered.changed.notified();
        let left = core.live().balancer_interval.saturating_sub(rt::now().since(begun));
        if left.is_zero() || core.connections.is_closing() {
            return;
        }
        let closing_or_tuned = futures_lite::future::or(core.connections.closing(), tuned);
        futures_lite::future::or(rt::sleep(left), closing_or_tuned).await;
    }
}
