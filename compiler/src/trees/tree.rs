//! One tree, proved to be one.

use modeldeploy_format::forest::Missing;

/// A tree whose nodes stand in preorder, the left child first: the root is the first, and the leaves are met from left to right.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The output that it adds to.
    pub output: u32,
    nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// What is added.
    Leaf(f64),
    /// A question.
    Split(Split),
}

/// A question to one feature, and where the answers lead.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// Which feature is asked.
    pub feature: u32,
    /// What is asked.
    pub test: Test,
    /// Where a missing value goes.
    pub missing: Missing,
    /// The child of those for whom the test holds.
    pub left: u32,
    /// The child of all others.
    pub right: u32,
}

/// A test of a value that is not missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `x <= threshold`, as LightGBM and scikit-learn ask.
    AtMost(f64),
    /// `x < threshold`, as XGBoost asks.
    Below(f64),
    /// The category is one of these: bit `c % 32` of word `c / 32`. What has no bit is not.
    In(Box<[u32]>),
    /// The category is none of these.
    NotIn(Box<[u32]>),
    /// The value itself is one of these, which ascend: `BRANCH_EQ` and `BRANCH_MEMBER` of ONNX.
    Among(Box<[f64]>),
}

impl Test {
    /// That a value is one of these, in any order; NaN is equal to nothing, and there is one zero.
    pub(super) fn among(mut members: Vec<f64>) -> Test {
        members.retain(|member| !member.is_nan());
        members.iter_mut().for_each(|member| *member += 0.0);
        members.sort_unstable_by(f64::total_cmp);
        members.dedup();
        Test::Among(members.into())
    }
}

/// Why nodes are no tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoTree(pub(crate) String);

impl Tree {
    /// The tree of these nodes, the root being the first. Nodes that no path leads to are left out if `pruned` says that there may be
    /// some, as XGBoost leaves them behind when it prunes.
    pub(crate) fn grow(output: u32, nodes: &[Node], pruned: bool) -> Result<Tree, NoTree> {
        let mut placed = vec![u32::MAX; nodes.len()];
        let mut ordered: Vec<Node> = Vec::with_capacity(nodes.len());
        // Each with the split, and the side, that it is a child of.
        let mut open: Vec<(u32, Option<(usize, bool)>)> = vec![(0, None)];
        while let Some((at, parent)) = open.pop() {
            let Some(node) = nodes.get(at as usize) else {
                return Err(NoTree(format!("a child is node {at}, and there are {}", nodes.len())));
            };
            if std::mem::replace(&mut placed[at as usize], 0) != u32::MAX {
                return Err(NoTree(format!("two paths lead to node {at}")));
            }
            let place = ordered.len();
            if let Some((parent, is_left)) = parent
                && let Node::Split(split) = &mut ordered[parent]
            {
                *(if is_left { &mut split.left } else { &mut split.right }) = place as u32;
            }
            if let Node::Split(split) = node {
                open.push((split.right, Some((place, false))));
                open.push((split.left, Some((place, true))));
            }
            ordered.push(node.clone());
        }
        if ordered.len() != nodes.len() && !pruned {
            return Err(NoTree(format!("no path leads to {} of {} nodes", nodes.len() - ordered.len(), nodes.len())));
        }
        Ok(Tree { output, nodes: ordered })
    }

    /// The nodes in preorder, the left child first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The leaves from left to right.
    pub fn leaves(&self) -> impl Iterator<Item = f64> + '_ {
        self.nodes.iter().filter_map(|node| match node {
            Node::Leaf(value) => Some(*value),
            Node::Split(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trees::{Ensemble, Link, Number, pack};
    use modeldeploy_format::forest::Forest;

    #[test]
    fn members_ascend_and_stand_once() {
        let Test::Among(members) = Test::among(vec![3.0, -0.0, f64::NAN, 0.0, -1.5, 3.0]) else { panic!("members") };
        assert_eq!(
            members.iter().map(|member| member.to_bits()).collect::<Vec<_>>(),
            [-1.5_f64, 0.0, 3.0].map(f64::to_bits)
        );
    }

    #[test]
    fn a_test_of_no_members_is_packed() {
        let split = Split { feature: 0, test: Test::among(vec![]), missing: Missing::Right, left: 1, right: 2 };
        let nodes = [Node::Split(split), Node::Leaf(1.0), Node::Leaf(2.0)];
        let ensemble = Ensemble {
            features: vec!["x0".to_owned()],
            inputs: Number::F64,
            sums: Number::F64,
            base: vec![0.0],
            trees: vec![Tree::grow(0, &nodes, false).expect("a tree")],
            linear: vec![],
            divisor: 1.0,
            link: Link::Identity,
        };
        let bytes = pack(&ensemble, "no members").expect("a pack");
        assert!(Forest::parse(&bytes).is_ok());
        assert_eq!(ensemble.raw(&[0.0]), [2.0]);
    }

    fn split(left: u32, right: u32) -> Node {
        Node::Split(Split { feature: 0, test: Test::AtMost(0.5), missing: Missing::Zero, left, right })
    }

    #[test]
    fn nodes_are_put_in_preorder() {
        let nodes = [split(3, 1), split(4, 2), Node::Leaf(3.0), Node::Leaf(1.0), Node::Leaf(2.0)];
        let tree = Tree::grow(0, &nodes, false).expect("a tree");
        assert_eq!(tree.leaves().collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
        assert_eq!(tree.nodes()[0], split(1, 2));
        assert_eq!(tree.nodes()[2], split(3, 4));
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        let leaf = || Node::Leaf(0.0);
        for (what, nodes) in [
            ("child is node 7, and there are 2", vec![split(1, 7), leaf()]),
            ("child is node 0, and there are 0", vec![]),
            ("two paths lead to node 0", vec![split(0, 1), leaf()]),
            ("two paths lead to node 1", vec![split(1, 1), leaf()]),
            ("no path leads to 1 of 4", vec![split(1, 2), leaf(), leaf(), leaf()]),
        ] {
            let NoTree(said) = Tree::grow(0, &nodes, false).expect_err(what);
            assert!(said.contains(what), "{said}");
        }
        assert!(Tree::grow(0, &[split(1, 2), leaf(), leaf(), leaf()], true).is_ok());
    }

    #[test]
    fn a_tree_may_be_as_deep_as_it_likes() {
        let deep = 100_000;
        let nodes: Vec<Node> = (0..deep)
            .map(|at| if at % 2 == 0 && at + 2 < deep { split(at + 2, at + 1) } else { Node::Leaf(0.0) })
            .collect();
        assert_eq!(Tree::grow(0, &nodes, true).expect("a tree").leaves().count(), 50_000);
    }
}
