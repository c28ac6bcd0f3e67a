import Contracts
import FoundationEssentials
import Messaging
import Runtime
import Secrets

/// Verifies passwords that clients send, as often as ``SignInLimits`` allow, on dedicated threads.
struct PasswordVerifying: Sendable {
    let clock: any WallClock
    let threads: PasswordThreads
    let throttle: SignInThrottle
    let passwords: PasswordHash.Parameters

    /// Between two checks whether attempts for the same account that are in progress elsewhere have been settled.
    static let pause: Duration = .milliseconds(50)
    /// After these it is too late, whatever the deadline: 10 s.
    static let maximumPauses = 200

    /// A password, and the account that it may belong to.
    struct Claim: Sendable {
        let request: Request
        let emailKey: String
        let password: String
        /// Nil if there is none with this address.
        let account: AccountRow?
    }

    enum Verdict: Sendable {
        /// With a stronger hash of the same password, if the stored one is weaker than current ones.
        case genuine(renewed: String?)
        case wrong
        case tooMany(retryAfter: Int)
        /// The requester no longer waits for the answer, so nothing was verified.
        case late

        /// Nil when the password was not verified.
        var isRight: Bool? {
            switch self {
            case .genuine: true
            case .wrong: false
            case .tooMany, .late: nil
            }
        }
    }

    func verify(_ claims: [Claim]) async -> [Verdict] {
        var verdicts = [Verdict](repeating: .late, count: claims.count)
        let attempts = claims.map { SignInAttempt($0.request, emailKey: $0.emailKey) }
        var open = Array(claims.indices)
        var pauses = 0
        while !open.isEmpty {
            var admitted: [Int] = []
            var waiting: [Int] = []
            for (index, admission) in zip(open, await throttle.admit(open.map { attempts[$0] })) {
                switch admission {
                case .admitted: admitted.append(index)
                case .refused(let seconds): verdicts[index] = .tooMany(retryAfter: seconds)
                case .busy: if !isLate(claims[index].request) { waiting.append(index) }
                }
            }
            let found = await threads.map(admitted.map { claims[$0] }) { verdict(on: $0) }
            for (index, verdict) in zip(admitted, found) { verdicts[index] = verdict }
            await throttle.settle(zip(admitted, found).map { (attempts[$0], $1.isRight) })
            open = waiting
            if admitted.isEmpty, !open.isEmpty {
                pauses += 1
                guard pauses <= Self.maximumPauses, (try? await clock.sleep(for: Self.pause)) != nil else { break }
            }
        }
        return verdicts
    }

    func isLate(_ request: Request) -> Bool {
        request.deadline.map { $0 < clock.now() } ?? false
    }

    private func verdict(on claim: Claim) -> Verdict {
        if isLate(claim.request) { return .late }
        // Accounts that do not exist take as long as others.
        guard let hash = claim.account?.passwordHash ?? (try? PasswordHash.placeholder(passwords)) else { return .late }
        let isRight = PasswordHash.verify(claim.password, against: hash) && claim.account?.disabled == false
        // Made for a wrong password as well, or the time would reveal an account with an old hash.
        let renewed = PasswordHash.isOutdated(hash, by: passwords) ? try? PasswordHash.hash(claim.password, passwords) : nil
        return isRight ? .genuine(renewed: renewed) : .wrong
    }
}

extension Outcome {
    /// For a password that was not verified; nil for one that was.
    init?(unlookedAt verdict: PasswordVerifying.Verdict) {
        switch verdict {
        case .tooMany(let seconds): self = .done(Reply(.tooManyAttempts, headers: ["retry-after": "\(seconds)"]))
        case .late: self = .refused(.tooLate)
        case .genuine, .wrong: return nil
        }
    }
}

extension Problem {
    static let tooManyAttempts = Problem(
        "too-many-attempts", title: "Too many attempts", status: 429,
        detail: "Signing in to this account, or from this address, has failed too often; try again later.")
    static let tooLate = Problem.unavailable("The request waited too long for its turn.")
    static let wrongPassword = Problem(
        "wrong-password", title: "Wrong password", status: 403, detail: "This is not the account's password. Nothing was changed.")
}
