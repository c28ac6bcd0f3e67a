import FoundationEssentials
import LocalState
import ShopClient
import Terminal

/// Wharf and the peer by turns, measured by one load generator; each pair gives a ratio, so that what else the machine does falls on both.
extension BenchRun {
    /// How one thing is measured of either.
    private struct Contest: Sendable {
        let title: String
        let unit: String
        let arguments: [String]
        /// By latency, of which less is better, not by rate.
        var isLatency = false
        let own: BenchFigure
        let peer: BenchFigure
        let ratio: BenchFigure
    }

    private var contests: [Contest] {
        let few = "\(plan.peerSingleOrders)", many = "\(plan.peerOrders)", seconds = "\(plan.requestSeconds)", clients = "\(BenchPlan.clients)"
        return [
            Contest(
                title: "one order alone", unit: "ms", arguments: ["checkout", "--prepared", "--closed", "--clients", "1", "--orders", few],
                isLatency: true, own: .ownSingle, peer: .peerSingle, ratio: .peerSingleRatio),
            Contest(
                title: "checkouts", unit: "orders/s", arguments: ["checkout", "--prepared", "--clients", clients, "--orders", many],
                own: .ownCheckouts, peer: .peerCheckouts, ratio: .peerCheckoutsRatio),
            Contest(
                title: "whole flow", unit: "orders/s", arguments: ["checkout", "--clients", clients, "--orders", many],
                own: .ownFlow, peer: .peerFlow, ratio: .peerFlowRatio),
            Contest(
                title: "GET product", unit: "requests/s", arguments: ["read", "--wrk", "--clients", clients, "--seconds", seconds],
                own: .ownReads, peer: .peerReads, ratio: .peerReadsRatio),
        ]
    }

    /// Starts the peer beside the shop, measures as many pairs as there are rounds, and ends it.
    func measurePeer(_ running: RunningShop, _ peer: Peer) async throws {
        console.line(console.paint.bold("Against the peer in \(peer.folder)"))
        do {
            try await peer.start(on: running)
            _ = try await peer.load(
                ["seed", "--base", running.url, "--login", "\(running.record.adminEmail):\(running.adminPassword)"])
            for contest in contests {
                for round in 0..<plan.rounds { try await measure(contest, running, peer, round: round) }
            }
        } catch {
            await peer.stop()
            throw error
        }
        await peer.stop()
    }

    private func measure(_ contest: Contest, _ running: RunningShop, _ peer: Peer, round: Int) async throws {
        // Neither always goes first.
        let order = round.isMultiple(of: 2) ? [true, false] : [false, true]
        var values: [Bool: Double] = [:]
        for isOwn in order {
            let printed = try await peer.load(contest.arguments + ["--base", isOwn ? running.url : peer.url])
            let figures = try PeerFigures(printed)
            values[isOwn] = contest.isLatency ? figures.median : figures.rate
        }
        guard let own = values[true], let other = values[false], other > 0 else { return }
        book.add(contest.own, own)
        book.add(contest.peer, other)
        found(contest.ratio, own / other, "×", remark: "\(contest.title): \(Figures.text(own)) against \(Figures.text(other)) \(contest.unit)")
    }
}
