import JSON

/// How the sandbox misbehaves: the body of `PUT /_faults`. Fields that are left out are switched off.
struct FaultSettings: Sendable, Equatable {
    /// A span of time to draw from, in milliseconds.
    struct Span: Sendable, Equatable {
        var min = 0
        var max = 0
    }

    static let maximumMilliseconds = 60_000
    /// The probabilities by their names in JSON.
    static let rateNames: [(name: String, path: any WritableKeyPath<FaultSettings, Double> & Sendable)] = [
        ("error500Rate", \.error500Rate), ("dropBeforeRate", \.dropBeforeRate),
        ("dropAfterChargingRate", \.dropAfterChargingRate), ("rateLimitRate", \.rateLimitRate), ("conflictRate", \.conflictRate),
        ("duplicateWebhookRate", \.duplicateWebhookRate),
    ]

    /// Added to every request of the API.
    var latency = Span()
    /// Probabilities, 0 to 1. A 500 comes before or after the request is carried out, half and half.
    var error500Rate = 0.0
    /// The connection is closed without an answer, and nothing was carried out.
    var dropBeforeRate = 0.0
    /// The request is carried out, then the connection is closed without an answer.
    var dropAfterChargingRate = 0.0
    var rateLimitRate = 0.0
    var conflictRate = 0.0
    var duplicateWebhookRate = 0.0
    var reorderWebhooks = false
    var webhookDelay = Span()
    /// The seed of the draws: the same requests in the same order meet the same faults.
    var seed: UInt64 = 0

    var json: [UInt8] {
        JSONWriter.object { writer in
            writer.field("latencyMilliseconds") { latency.write(to: &$0) }
            for (name, path) in Self.rateNames { writer.field(name, self[keyPath: path]) }
            writer.field("reorderWebhooks", reorderWebhooks)
            writer.field("webhookDelayMilliseconds") { webhookDelay.write(to: &$0) }
            writer.field("seed") { $0.value(seed) }
        }
    }
}

extension FaultSettings.Span {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("min", min)
            writer.field("max", max)
        }
    }

    func draw(with random: inout some RandomNumberGenerator) -> Duration {
        .milliseconds(Int.random(in: min...max, using: &random))
    }
}
