import AMQP
import Messaging
import Operations
import PostgreSQL
import Redis
import ServiceLifecycle

/// A part of a process that can report whether it is able to work.
protocol HasReadiness {
    /// Nil for a part that needs nothing.
    var readiness: ReadinessCheck? { get }
}

extension ThreadBound: HasReadiness {
    var readiness: ReadinessCheck? { (service as? any HasReadiness)?.readiness }
}

extension Publisher: HasReadiness {
    var readiness: ReadinessCheck? {
        ReadinessCheck("broker") {
            if !self.isConnected { return "not connected" }
            return self.isBlocked ? "the broker accepts no messages: a memory or disk alarm" : nil
        }
    }
}

extension Consumer: HasReadiness {
    var readiness: ReadinessCheck? {
        switch source {
        case .queue(let name): ReadinessCheck("queue \(name)") { self.isConnected ? nil : "not consumed: the queue or the broker is unavailable" }
        case .exclusive: ReadinessCheck("reply queue") { self.replyAddress == nil ? "missing: the broker is unavailable, or does not let this user have one" : nil }
        }
    }
}

extension SealingKeyService: HasReadiness {
    var readiness: ReadinessCheck? {
        // Missing only until users has sent the first one: an ingress that is reported ready can sign customers in.
        ReadinessCheck("credentials key") { keyring.key == nil ? "users has not sent it yet: sign-ins are not possible" : nil }
    }
}

extension PostgresPool: HasReadiness {
    var readiness: ReadinessCheck? {
        ReadinessCheck("database") {
            do {
                try await self.probe()
                return nil
            } catch {
                return "\((error as? PostgresError)?.message ?? "not reachable")"
            }
        }
    }
}

/// Redis, for as long as a process runs. A role that uses it works without it, so its absence is reported and takes no role out of service.
struct RedisService: Service, HasReadiness {
    let client: RedisClient

    func run() async throws {
        try? await gracefulShutdown()
        client.shutdown()
    }

    var readiness: ReadinessCheck? {
        ReadinessCheck("redis", isRequired: false) {
            do throws(RedisError) {
                _ = try await client.command(["PING"])
                return nil
            } catch {
                return error.message
            }
        }
    }
}
