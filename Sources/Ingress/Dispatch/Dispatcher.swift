import FoundationEssentials
import Logging
import Messaging
import Runtime

/// Sends a call's message and turns its reply, or the lack of one, into an answer.
struct Dispatcher: Sendable {
    let requests: any Requesting
    let clock: any WallClock
    let randomness: any Randomness
    let logger: Logger

    private static let accepted = Reply(status: 200, body: Array(#"{"received":true}"#.utf8))

    func reply(to call: Call) async throws -> Reply {
        let endpoint = call.endpoint
        let request = call.request(randomness)
        return try await answering(endpoint.operationID, of: call.requestID, within: endpoint.deadline, isRetryable: call.isRetryable) {
            if endpoint.isAnsweredWhenAccepted {
                if call.isUnwantedEvent { return Self.accepted }
                guard requests.isReady else { throw RequestClient.Unanswered.refused("the broker takes no requests at the moment") }
                try await requests.post(request, timeout: endpoint.deadline)
                return Self.accepted
            }
            let reply = try await requests.send(request, durability: endpoint.durability, timeout: endpoint.deadline)
            return await settled(reply, call)
        }
    }

    /// Returns `body`'s result; throws a ``Refusal`` when it went unanswered.
    func answering<T>(
        _ operation: String, of requestID: String, within deadline: Duration, isRetryable: Bool, _ body: () async throws -> T
    ) async throws -> T {
        do {
            return try await body()
        } catch let error as RequestClient.Unanswered {
            switch error {
            case .refused(let reason):
                logger.info(
                    "a request was not accepted",
                    metadata: [LogKey.operation: "\(operation)", LogKey.requestID: "\(requestID)", LogKey.error: "\(reason)"])
                throw Refusal.unavailable("The request was not accepted, because the service is overloaded or unavailable. Nothing was done.")
            case .unroutable:
                logger.error("no queue is bound to an operation", metadata: [LogKey.operation: "\(operation)", LogKey.requestID: "\(requestID)"])
                throw Refusal.unavailable("No service handles this operation at the moment. Nothing was done.")
            case .timedOut:
                throw Refusal.timedOut(after: deadline, isRetryable: isRetryable)
            }
        } catch is CancellationError {
            throw Refusal.timedOut(after: deadline, isRetryable: isRetryable)
        }
    }

    /// The answer to the work itself, when the client wants to wait for it and it arrives in time; otherwise `accepted`.
    private func settled(_ accepted: Reply, _ call: Call) async -> Reply {
        guard accepted.status == 202, let operation = call.endpoint.waitOperation, let wait = call.wait else { return accepted }
        let rest = Double(wait) - clock.now().timeIntervalSince(call.received)
        let applied = "wait=\(wait)"
        var unsettled = accepted
        unsettled.headers["preference-applied"] = applied
        guard rest > 0 else { return unsettled }
        let location = accepted.headers["location"]
        let request = Request(
            id: randomness.uuid(), operation: operation, parameters: location.map { ["location": $0] } ?? [:],
            caller: call.session?.caller, body: accepted.body, traceparent: call.trace.header, requestID: call.requestID)
        do {
            var settled = try await requests.send(request, durability: .command, timeout: .seconds(rest))
            guard settled.status == 200 else { return accepted }
            settled.headers["location"] = location
            settled.headers["preference-applied"] = applied
            settled.isReplayed = accepted.isReplayed
            return settled
        } catch RequestClient.Unanswered.timedOut {
            return unsettled
        } catch {
            logger.info(
                "could not wait for the work to be done",
                metadata: [LogKey.operation: "\(operation)", LogKey.requestID: "\(call.requestID)", LogKey.error: "\(error)"])
            return accepted
        }
    }
}
