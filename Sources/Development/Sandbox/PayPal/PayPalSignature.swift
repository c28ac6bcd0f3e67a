import FoundationEssentials
import Secrets

/// The signature by which PayPal proves that a webhook is its own.
struct PayPalSignature {
    static let path = "/v1/notifications/certs/"

    let id: String
    let time: String
    private let message: [UInt8]

    init(_ body: [UInt8], _ webhookID: String, at seconds: Int) {
        id = UUID().uuidString.lowercased()
        time = seconds.payPalTime
        message = Array("\(id)|\(time)|\(webhookID)|\(Self.checksum(body))".utf8)
    }

    func headers(_ key: SigningKey, certificate url: String) -> [(name: String, value: String)] {
        // If there is no memory for a signature, the shop refuses the webhook, and it is sent again.
        let signature = (try? key.sign(message)) ?? []
        return [
            ("PayPal-Transmission-Id", id), ("PayPal-Transmission-Time", time), ("PayPal-Transmission-Sig", Base64.encode(signature)),
            ("PayPal-Cert-Url", url), ("PayPal-Auth-Algo", "SHA256withRSA"),
        ]
    }

    /// CRC-32 (ISO 3309), bit by bit, so that it is independent of the shop's, which is zlib's.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? (sum >> 1) ^ 0xEDB8_8320 : sum >> 1 }
        }
    }
}
