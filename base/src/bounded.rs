//! A first-in, first-out queue with a name and a limit.

use std::collections::VecDeque;
use std::fmt;

/// A queue that refuses what does not fit and says which queue it was.
///
/// Every queue in Corelane has a limit; this type makes the limit part of the value. It is not shared between cores.
#[derive(Debug, Clone)]
pub struct Bounded<T> {
    name: &'static str,
    limit: usize,
    items: VecDeque<T>,
}

impl<T> Bounded<T> {
    /// Makes an empty queue. Memory is taken as items arrive, not ahead.
    pub fn new(name: &'static str, limit: usize) -> Self {
        assert!(limit > 0, "queue {name} needs a limit above zero");
        Self { name, limit, items: VecDeque::new() }
    }

    /// Adds an item at the end, or gives it back inside the error when the queue is full.
    pub fn try_push(&mut self, item: T) -> Result<(), QueueFull<T>> {
        if self.items.len() >= self.limit {
            return Err(QueueFull { queue: self.name, limit: self.limit, rejected: item });
        }
        self.items.push_back(item);
        Ok(())
    }

    /// Takes the oldest item.
    pub fn pop(&mut self) -> Option<T> {
        self.items.pop_front()
    }

    /// The oldest item, left in place.
    pub fn front(&self) -> Option<&T> {
        self.items.front()
    }

    /// The oldest item, left in place.
    pub fn front_mut(&mut self) -> Option<&mut T> {
        self.items.front_mut()
    }

    /// Items from the oldest to the newest.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// Items from the oldest to the newest.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut()
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.items.len() >= self.limit
    }

    pub fn limit(&self) -> usize {
        self.limit
    }

    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// The queue was full; the item comes back untouched.
#[derive(Clone, PartialEq, Eq)]
pub struct QueueFull<T> {
    pub queue: &'static str,
    pub limit: usize,
    pub rejected: T,
}

impl<T> fmt::Debug for QueueFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueFull").field("queue", &self.queue).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for QueueFull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "queue {} is full at its limit of {} items", self.queue, self.limit)
    }
}

impl<T> std::error::Error for QueueFull<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_gives_the_item_back_and_names_itself() {
        let mut queue = Bounded::new("test.queue", 2);
        queue.try_push(1).unwrap();
        queue.try_push(2).unwrap();
        let refused = queue.try_push(3).unwrap_err();
        assert_eq!((refused.queue, refused.limit, refused.rejected), ("test.queue", 2, 3));
        assert_eq!(refused.to_string(), "queue test.queue is full at its limit of 2 items");
        assert_eq!(queue.pop(), Some(1));
        queue.try_push(3).unwrap();
        assert_eq!(queue.iter().copied().collect::<Vec<_>>(), [2, 3]);
    }
}
