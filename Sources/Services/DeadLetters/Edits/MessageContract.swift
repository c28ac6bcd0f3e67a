import Contracts
import JSON

/// What a body must be for the service that reads it, as far as this service knows: JSON where the original was sent as JSON, an object where it was one, and for messages
/// between services the type that `Contracts` declares. What a client sends over HTTP is checked by the service itself, which answers with a dead letter.
enum MessageContract {
    /// Why the service could not read the body; nil if no error is known.
    static func flaw(in body: [UInt8], operation: String?, contentType: String?, original: [UInt8]) -> String? {
        guard isJSON(contentType) else { return nil }
        do throws(JSONSyntax.Fault) {
            _ = try JSONSyntax(checking: body)
        } catch {
            return "is not valid JSON: \(error)"
        }
        if first(original) == UInt8(ascii: "{"), first(body) != UInt8(ascii: "{") { return "must be a JSON object, like the original" }
        guard let read = operation.flatMap({ readers[$0] }) else { return nil }
        do {
            try read(body)
            return nil
        } catch let error as DecodingError {
            return "is not a \(operation ?? "message"): \(error.flaw)"
        } catch {
            return "is not a \(operation ?? "message")"
        }
    }

    private static func isJSON(_ contentType: String?) -> Bool {
        guard let contentType else { return true }
        let type = contentType.prefix { $0 != ";" }.lowercased()
        return type == "application/json" || type.hasSuffix("+json")
    }

    private static func first(_ body: [UInt8]) -> UInt8? {
        body.first { !" \t\r\n".utf8.contains($0) }
    }

    private static let readers: [String: @Sendable ([UInt8]) throws -> Void] = [
        MessageName.place: reader(PlaceOrder.self), MessageName.advance: reader(CheckoutEvent.self), MessageName.reserve: reader(ReserveStock.self),
        MessageName.release: reader(SettleReservation.self), MessageName.commit: reader(SettleReservation.self), MessageName.sell: reader(SettleReservation.self),
        MessageName.restock: reader(RestockReturn.self),
        MessageName.charge: reader(ChargeOrder.self), MessageName.void: reader(VoidPayment.self), MessageName.capture: reader(CapturePayment.self),
        MessageName.undoExtra: reader(UndoExtraPayment.self), MessageName.completeApproval: reader(ApprovedPayment.self),
        MessageName.unresolved: reader(UnresolvedPayment.self), MessageName.performRefund: reader(PerformRefund.self), MessageName.reopenCart: reader(ReopenCart.self),
        MessageName.accountMail: reader(AccountMail.self),
    ]

    private static func reader<Message: Decodable & SendableMetatype>(_ type: Message.Type) -> @Sendable ([UInt8]) throws -> Void {
        { _ = try JSON.decode(type, from: $0) }
    }
}
