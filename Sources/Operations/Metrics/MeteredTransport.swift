import FoundationEssentials
import Instruments
import Metrics
public import WebClient

/// Counts and times the calls to one partner: a payment gateway, or a vendor of mail or text messages.
public struct MeteredTransport: HTTPTransport {
    private let transport: any HTTPTransport
    private let partner: String
    private let showsPaths: Bool

    /// - Parameters:
    ///   - partner: The partner's name in metrics.
    ///   - showsPaths: True if the fixed parts of paths distinguish calls; false for addresses that may contain a secret.
    public init(_ transport: any HTTPTransport, partner: String, showsPaths: Bool) {
        self.transport = transport
        self.partner = partner
        self.showsPaths = showsPaths
    }

    public func send(_ request: WebRequest) async throws -> WebResponse {
        let call = showsPaths ? Self.call(request) : request.method
        let start = ContinuousClock.now
        func record(_ result: String) {
            Instrument.partnerCalls.counter(partner, call, result).increment()
            Instrument.partnerDuration.histogram(partner, call).record((ContinuousClock.now - start) / .seconds(1))
        }
        do {
            let response = try await transport.send(request)
            record(Self.result(response.status))
            return response
        } catch {
            record("unanswered")
            throw error
        }
    }

    private static func result(_ status: Int) -> String {
        switch status {
        case ..<400: "succeeded"
        case 402: "declined"
        case 429: "throttled"
        case ..<500: "rejected"
        default: "failed"
        }
    }

    /// As in `POST payment_intents/*/capture`: ids contain digits or capitals, and versions are left out.
    static func call(_ request: WebRequest) -> String {
        let parts = (URL(string: request.url)?.path() ?? "").split(separator: "/").drop { $0.first == "v" && $0.dropFirst().allSatisfy(\.isNumber) }
        let fixed = parts.map { part in
            part == "oauth2" || part.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || [UInt8(ascii: "_"), UInt8(ascii: "-")].contains($0) } ? String(part) : "*"
        }
        return "\(request.method) \(fixed.joined(separator: "/"))"
    }
}
