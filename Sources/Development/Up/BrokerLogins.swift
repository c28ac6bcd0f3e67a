import AMQP
import LocalState
import Messaging
import Operations
import Runtime
import Terminal

/// Whether each role can log in to the broker: a wrong address or password is found before any role starts, and named.
struct BrokerLogins: Sendable {
    /// How long a broker may take to accept connections once its management API answers, which begins first.
    var timeout = Duration.seconds(5)
    private static let pause = Duration.milliseconds(500)
    private static let connectTimeout = Duration.seconds(2)

    let clock: any WallClock

    /// - Throws: ``UpError`` with code `settings` when the broker refuses a user, `start` when it cannot be reached; `CancellationError`.
    func check(_ users: [String], _ settings: Settings) async throws {
        let end = ContinuousClock.now + timeout
        for user in users {
            while let failure = try await failure(of: user, settings) {
                guard failure.isTransient, ContinuousClock.now < end else {
                    throw UpError(
                        failure.isTransient ? .start : .settings, "RabbitMQ cannot be used as \(user): \(failure.message).",
                        advice: "Its address is WHARF_AMQP_URL, or WHARF_AMQP_URL_\(user.uppercased()) for this role alone.")
                }
                try await clock.sleep(for: Self.pause)
            }
        }
    }

    private func failure(of user: String, _ settings: Settings) async throws -> AMQPError? {
        var configuration = try AMQPConfiguration(url: settings.amqpURL(for: user), connectionName: "wharf-dev up")
        configuration.connectTimeout = Self.connectTimeout
        do throws(AMQPError) {
            try await configuration.check()
            return nil
        } catch {
            return error
        }
    }
}
