import Contracts
import FoundationEssentials
import JSON
public import Logging
import Runtime
public import Secrets
public import ServiceLifecycle
import Synchronization

/// The key of users, as known to this process.
public final class SealingKeyring: Sendable {
    private let current = Mutex<SealingKey?>(nil)

    public init() {}

    public var key: SealingKey? { current.withLock { $0 } }

    func hold(_ key: SealingKey) { current.withLock { $0 = key } }
}

/// Requests the key of users, from the start of a process to its end.
public struct SealingKeyService: Service {
    /// How old a key may be: the longest time that sign-ins fail after the broker password of users was changed.
    static let refreshInterval: Duration = .seconds(60)
    static let retryInterval: Duration = .milliseconds(200)
    private static let deadline: Duration = .seconds(5)

    public let keyring: SealingKeyring
    private let requests: RequestClient
    private let clock: any WallClock
    private let randomness: any Randomness
    private let logger: Logger

    public init(keyring: SealingKeyring, requests: RequestClient, clock: any WallClock, randomness: any Randomness, logger: Logger) {
        self.keyring = keyring
        self.requests = requests
        self.clock = clock
        self.randomness = randomness
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let key = await ask()
                if let key { keyring.hold(key) }
                try? await clock.sleep(for: key == nil ? Self.retryInterval : Self.refreshInterval)
            }
        }
    }

    private func ask() async -> SealingKey? {
        do {
            let request = Request(id: randomness.uuid(), operation: MessageName.sealingKey, body: try JSON.encode(GetSealingKey()))
            let reply = try await requests.send(request, durability: .query, timeout: Self.deadline)
            guard reply.status == 200 else {
                logger.warning("users returned no key for credentials", metadata: ["status": "\(reply.status)"])
                return nil
            }
            return Hex.decode(try JSON.decode(GivenSealingKey.self, from: reply.body).key).flatMap(SealingKey.init(bytes:))
        } catch {
            logger.debug("users returned no key for credentials", metadata: ["error": "\(error)"])
            return nil
        }
    }
}
