import Contracts
import FoundationEssentials
import Input
import JSON
import Messaging
import Secrets

/// A decision about a payment, as payments has recorded it.
private struct Settled: Decodable {
    let kind: String
    let id: String
    let orderId: String
}

extension OperatorRequests {
    /// Replays the dead letters of the settled payment, for which payments finds nothing left to decide. Only the newest hundred are searched; an older
    /// letter ends in the same way when it is replayed by hand.
    /// - Parameter reply: The reply to the settlement.
    package func endLetters(about reply: Reply) async throws {
        let settled = try JSON.decode(Settled.self, from: reply.body)
        let list = try await get(Listed<Letter>.self, "deadletters.letters.list", ["queue": "payments.commands", "limit": String(PageRequest.maximumLimit)])
        for letter in list.items where letter.operation == MessageName.unresolved {
            guard let text = try? await get(WholeLetter.self, "deadletters.letters.get", ["id": letter.id]).body,
                let about = try? JSON.decode(UnresolvedPayment.self, from: Array(text.utf8)), about.orderID == UUID(text: settled.orderId),
                settled.kind == "refund" ? about.refundID == UUID(text: settled.id) : about.refundID == nil
            else { continue }
            let replay = try await send(LetterDecision.replay.operation, LetterDecision.replay.durability, ["id": letter.id], [])
            // A letter that is no longer open is refused with a 4xx: there is nothing left to end.
            guard replay.status < 500 else { throw Refusal(replay) }
        }
    }
}
