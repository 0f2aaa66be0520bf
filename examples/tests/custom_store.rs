//! A store of one's own keeps the contract.

use dewar::store::conformance;
use dewar_examples::custom_store::Log;

#[tokio::test]
async fn a_third_party_store_passes() {
    conformance::check(|| async { Log::default() }).await.assert_passed();
    conformance::check_sweep(|| async { Log::default() }).await.assert_passed();
}
