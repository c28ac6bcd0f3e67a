import FoundationEssentials
import Messaging
import Terminal
import WebClient

/// The shop as its administrator sees it.
package struct Administrator: Sendable {
    let shop: Shop
    package let token: String

    /// Opens a session.
    /// - Throws: ``LoadError`` with code `refused` when the shop rejects these credentials.
    package static func signIn(to shop: Shop, email: String, password: String) async throws -> Administrator {
        struct Credentials: Encodable { let email, password: String }
        struct Session: Decodable { let token: String }
        do {
            let call = try Shop.Call.send("POST", "/v1/sessions", Credentials(email: email, password: password))
            let session: Session = try await shop.reply(to: call, expecting: [201])
            return Administrator(shop: shop, token: session.token)
        } catch let refusal as Refusal {
            throw LoadError(.refused, "\(shop.url) refuses the sign-in of \(email): \(refusal)")
        }
    }

    /// The same session, over another shop client: one with another deadline, say.
    package func with(_ shop: Shop) -> Administrator {
        Administrator(shop: shop, token: token)
    }

    /// Nil when the shop has no such SKU.
    package func stock(of sku: String) async throws -> StockLevel? {
        do {
            return try await shop.reply(to: .get("/v1/stock/\(sku)", token: token))
        } catch let refusal as Refusal where refusal.status == 404 {
            return nil
        }
    }

    package func setStock(of sku: String, to onHand: Int) async throws -> StockLevel {
        struct New: Encodable { let onHand: Int }
        return try await shop.reply(to: .send("PUT", "/v1/stock/\(sku)", token: token, New(onHand: onHand)))
    }

    /// Puts the product on sale; changes nothing when the shop has it already.
    package func offer(_ good: Good) async throws {
        struct Price: Encodable { let amount: Int; let currency: String }
        struct New: Encodable { let sku, slug, name, description, category: String; let price: Price }
        let new = New(
            sku: good.sku, slug: good.sku, name: good.name, description: "", category: Good.category,
            price: Price(amount: good.price, currency: Good.currency))
        let response = try await shop.answer(to: .send("POST", "/v1/products", token: token, new))
        guard response.status == 201 || response.status == 409 else { throw Refusal(response) }
    }

    /// How many dead letters wait for a decision.
    package func openDeadLetters() async throws -> Int {
        struct Cause: Decodable { let count: Int }
        struct Letters: Decodable { let causes: [Cause] }
        let letters: Letters = try await shop.reply(to: .get("/v1/dead-letters?state=open&limit=1", token: token))
        return letters.causes.reduce(0) { $0 + $1.count }
    }

    /// Ends the session.
    package func signOut() async throws {
        _ = try await shop.answer(to: Shop.Call(method: "DELETE", path: "/v1/sessions/current", token: token))
    }
}
