import AMQP
import Messaging
import Notifications
import Operations
import Payments
import PostgreSQL
import Redis
import ServiceLifecycle

/// A part of a process that can report whether it is able to work.
protocol HasReadiness {
    /// Empty for one that needs nothing.
    var readiness: [ReadinessCheck] { get }
}

extension ThreadBound: HasReadiness {
    var readiness: [ReadinessCheck] { (service as? any HasReadiness)?.readiness ?? [] }
}

extension Publisher: HasReadiness {
    /// An election of a leader takes less.
    private static let longestTrouble: Duration = .seconds(5)

    var readiness: [ReadinessCheck] {
        [
            ReadinessCheck("broker") {
                if !self.isConnected { return "not connected" }
                return self.isBlocked ? "the broker takes no messages: a memory or disk alarm" : nil
            },
            // One queue of many: the others are served.
            ReadinessCheck("queues", isRequired: false) { self.trouble(for: Self.longestTrouble) },
        ]
    }
}

extension Consumer: HasReadiness {
    var readiness: [ReadinessCheck] {
        switch source {
        case .queue(let name): [ReadinessCheck("queue \(name)") { self.isConnected ? nil : "not consumed: the queue or the broker is away" }]
        case .exclusive: [ReadinessCheck("reply queue") { self.replyAddress == nil ? "not there: the broker is away, or gives this user none" : nil }]
        }
    }
}

extension RequestClient: HasReadiness {
    var readiness: [ReadinessCheck] {
        // Not required: otherwise one operation without workers would make the ingress unavailable to all others.
        [ReadinessCheck("replies", isRequired: false) { self.silence }]
    }
}

extension SealingKeyService: HasReadiness {
    var readiness: [ReadinessCheck] {
        // Missing only until users has given the first one: an ingress that is called ready lets customers sign in.
        [ReadinessCheck("credentials key") { keyring.key == nil ? "not received from the users service yet: signing in is not possible" : nil }]
    }
}

extension PostgresPool: HasReadiness {
    var readiness: [ReadinessCheck] {
        [
            ReadinessCheck("database") {
                do {
                    try await self.probe()
                    return nil
                } catch {
                    return "\((error as? PostgresError)?.message ?? "not reachable")"
                }
            }
        ]
    }
}

extension WaitingWatch: HasReadiness {
    var readiness: [ReadinessCheck] {
        // A waiting notification stops nothing else, and the retry ladder sends it again.
        [ReadinessCheck("customers", isRequired: false) { self.problem }]
    }
}

extension ReconciliationWatch: HasReadiness {
    var readiness: [ReadinessCheck] {
        // Not required: books that differ from the gateway need a person, and stop no requests.
        [ReadinessCheck("reconciliation", isRequired: false) { self.problem }]
    }
}

/// Redis, for as long as a process runs. A role that uses it works without it, so its absence is reported and takes no role out of service.
struct RedisService: Service, HasReadiness {
    let client: RedisClient

    func run() async throws {
        try? await gracefulShutdown()
        client.shutdown()
    }

    var readiness: [ReadinessCheck] {
        [
            ReadinessCheck("redis", isRequired: false) {
                do throws(RedisError) {
                    _ = try await client.command(["PING"])
                    return nil
                } catch {
                    return error.message
                }
            }
        ]
    }
}
