//! Random histories of identities: links, merges and splits, on a store in a temporary folder.

use fastrand::Rng;
use jiff::Timestamp;

use ken_base::desk::{
    ClaimBasis, IdentityId, IdentityKey, IdentityKind, InboxId, LinkBasis, VerifiedBy,
};
use ken_base::domain::WorkspaceId;
use ken_customers::identify::{Claim, Origin, Proof, Sender, identify};
use ken_customers::merging::{MergeError, merge, split};
use ken_store::store::Store;
use ken_store::store::desk::DeskTx;

/// How many histories are drawn; KEN_HISTORIES sets another number.
fn n_histories() -> u64 {
    let set = std::env::var("KEN_HISTORIES").ok();
    set.map_or(400, |n| n.parse().expect("KEN_HISTORIES is a number"))
}

fn origin() -> Origin {
    Origin {
        source: "test".into(),
        actor: "customer".into(),
        at: Timestamp::UNIX_EPOCH,
        cause: None,
    }
}

fn key(kind: IdentityKind, value: u64) -> IdentityKey {
    IdentityKey {
        inbox: (kind == IdentityKind::ChannelUser).then(|| InboxId::parse("line").unwrap()),
        kind,
        value: match kind {
            IdentityKind::Email => format!("p{value}@example.com"),
            IdentityKind::Phone => format!("+88691234560{value}"),
            _ => format!("u{value}"),
        },
    }
}

/// A sender with few possible values, so that they meet.
fn sender(random: &mut Rng) -> Sender {
    let kind = [IdentityKind::ChannelUser, IdentityKind::ExternalId][random.usize(..2)];
    let is_signed = kind == IdentityKind::ExternalId;
    let mut sender = Sender {
        key: key(kind, random.u64(..4)),
        verified_by: Some(if is_signed {
            VerifiedBy::SignedToken
        } else {
            VerifiedBy::Provider
        }),
        display_name: String::new(),
        proofs: Vec::new(),
        claims: Vec::new(),
    };
    let email = key(IdentityKind::Email, random.u64(..3));
    match random.u8(..4) {
        0 => sender.proofs.push(Proof {
            key: email,
            verified_by: VerifiedBy::Otp,
            basis: LinkBasis::VerifiedEmail,
        }),
        1 => sender.proofs.push(Proof {
            key: key(IdentityKind::Phone, random.u64(..3)),
            verified_by: VerifiedBy::Provider,
            basis: LinkBasis::VerifiedPhone,
        }),
        2 => sender.claims.push(Claim {
            key: email,
            basis: ClaimBasis::TypedEmail,
        }),
        _ => {}
    }
    sender
}

/// No customer has two verified external ids.
async fn check(tx: &mut DeskTx, workspace: &WorkspaceId, ids: &[IdentityId]) {
    for id in ids {
        let of = tx.identities_of_customer(workspace, id).await.unwrap();
        let is_external = |kind| kind == IdentityKind::ExternalId;
        let n_external = of.iter().filter(|one| is_external(one.kind)).count();
        assert!(n_external <= 1, "{of:?}");
        let oldest = &of[0].id;
        assert!(of.iter().all(|one| one.customer_id == *oldest), "{of:?}");
    }
}

#[tokio::test]
async fn random_histories_keep_customers_apart_and_merges_reversible() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/ken.db", folder.path().display());
    let store = Store::open(&url).await.unwrap();
    let workspace = WorkspaceId::parse("own").unwrap();
    let (mut n_merged, mut n_refused, mut n_split) = (0, 0, 0);
    for seed in 0..n_histories() {
        let mut random = Rng::with_seed(seed);
        // Never committed: each history begins with nothing.
        let mut tx = store.begin_desk().await.unwrap();
        let mut ids: Vec<IdentityId> = Vec::new();
        for _ in 0..random.usize(4..14) {
            match random.u8(..10) {
                0..6 => {
                    let sender = sender(&mut random);
                    let found = identify(&mut tx, &workspace, &sender, &origin())
                        .await
                        .unwrap();
                    ids.push(found.id);
                }
                6..9 if ids.len() > 1 => {
                    let one = ids[random.usize(..ids.len())].clone();
                    let other = ids[random.usize(..ids.len())].clone();
                    let before = tx.projection(&workspace).await.unwrap();
                    match merge(&mut tx, &workspace, &one, &other, "agent").await {
                        Ok(()) => {
                            n_merged += 1;
                            check(&mut tx, &workspace, &ids).await;
                            if random.bool() {
                                split(&mut tx, &workspace, &other, &one, "agent")
                                    .await
                                    .unwrap();
                                let after = tx.projection(&workspace).await.unwrap();
                                assert_eq!(after, before, "history {seed}");
                                n_split += 1;
                            }
                        }
                        Err(MergeError::Store(error)) => panic!("{error}"),
                        Err(_) => {
                            n_refused += 1;
                            let after = tx.projection(&workspace).await.unwrap();
                            assert_eq!(after, before, "history {seed}: a refusal changes nothing");
                        }
                    }
                }
                _ if ids.len() > 1 => {
                    let one = ids[random.usize(..ids.len())].clone();
                    let other = ids[random.usize(..ids.len())].clone();
                    match split(&mut tx, &workspace, &one, &other, "agent").await {
                        Ok(()) => n_split += 1,
                        Err(MergeError::Store(error)) => panic!("{error}"),
                        Err(_) => {}
                    }
                }
                _ => {}
            }
            check(&mut tx, &workspace, &ids).await;
        }
        let live = tx.projection(&workspace).await.unwrap();
        tx.rebuild(&workspace).await.unwrap();
        assert_eq!(
            tx.projection(&workspace).await.unwrap(),
            live,
            "history {seed}"
        );
    }
    // The draw has each of them.
    assert!(
        n_merged > 50 && n_refused > 50 && n_split > 25,
        "{n_merged} {n_refused} {n_split}"
    );
    store.close().await;
}

#[tokio::test]
async fn withdrawn_verified_link_does_not_return_and_typed_claim_links_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/ken.db", folder.path().display());
    let store = Store::open(&url).await.unwrap();
    let workspace = WorkspaceId::parse("own").unwrap();
    let mut tx = store.begin_desk().await.unwrap();
    let email = key(IdentityKind::Email, 1);
    let proof = Proof {
        key: email.clone(),
        verified_by: VerifiedBy::Dkim,
        basis: LinkBasis::VerifiedEmail,
    };
    let of = |n, proofs: Vec<Proof>, claims: Vec<Claim>| Sender {
        key: key(IdentityKind::ChannelUser, n),
        verified_by: Some(VerifiedBy::Provider),
        display_name: "Mei".into(),
        proofs,
        claims,
    };
    let verified = of(1, vec![proof], Vec::new());
    let first = identify(&mut tx, &workspace, &verified, &origin())
        .await
        .unwrap();
    let address = tx
        .identity_by_key(&workspace, &email)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(address.customer_id, first.customer_id);
    split(&mut tx, &workspace, &first.id, &address.id, "agent")
        .await
        .unwrap();
    identify(&mut tx, &workspace, &verified, &origin())
        .await
        .unwrap();
    let apart = tx.identity(&workspace, &address.id).await.unwrap().unwrap();
    assert_eq!(apart.customer_id, address.id);
    merge(&mut tx, &workspace, &first.id, &address.id, "agent")
        .await
        .unwrap();
    let again = tx.identity(&workspace, &address.id).await.unwrap().unwrap();
    assert_eq!(again.customer_id, first.id);

    let claim = Claim {
        key: email,
        basis: ClaimBasis::TypedEmail,
    };
    let typed = of(2, Vec::new(), vec![claim]);
    let typed = identify(&mut tx, &workspace, &typed, &origin())
        .await
        .unwrap();
    assert_eq!(typed.customer_id, typed.id, "a claim links nothing");
    let links = tx
        .links_between(&workspace, &typed.id, &address.id)
        .await
        .unwrap();
    assert_eq!(links.len(), 1, "it is suggested to an agent: {links:?}");
    drop(tx);
    store.close().await;
}
