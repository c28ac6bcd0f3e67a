import Messaging

/// Faults that strike the whole shop from time to time, rather than one call: a broker that restarts, a full queue, a database that goes down, a gateway
/// that is down, a process that is killed while it waits.
struct ShopFaults: Sendable {
    static let calm = 2_000...20_000
    /// Long enough for checkouts to give up waiting.
    static let longAbsence = 40_000...140_000
    static let longAbsences = 0.3

    let shop: Shop
    let visits: Visits

    func run() async {
        let chance = shop.faults.chance
        while shop.faults.isOn {
            try? await shop.clock.sleep(for: chance.duration(milliseconds: Self.calm))
            guard shop.faults.isOn else { return }
            switch chance.below(5) {
            case 0:
                visits.note(Moment.brokerRestart)
                shop.faults.trace.note("the broker restarts")
                shop.broker.restart(takes: chance.duration(milliseconds: 200...5_000))
            case 1:
                let service = chance.pick(Shop.Service.allCases)
                visits.note(Moment.databaseAway)
                shop.faults.trace.note("the database of \(service.rawValue) goes away")
                shop.databases[service]?.setAway(until: shop.clock.elapsed + absence(50...9_000).microseconds)
            case 2:
                visits.note(Moment.gatewayAway)
                shop.faults.trace.note("the gateway goes away")
                shop.gateway.setAway(until: shop.clock.elapsed + absence(500...40_000).microseconds)
            case 3:
                let queue = chance.pick(Shop.Service.allCases).rawValue + ".commands"
                visits.note(Moment.queueFull)
                shop.faults.trace.note("\(queue) is full")
                shop.broker.setRefusing(queue, true)
                shop.clock.schedule(after: absence(500...10_000)) { shop.broker.setRefusing(queue, false) }
            default:
                shop.killOne()
            }
        }
    }

    private func absence(_ usual: ClosedRange<Int>) -> Duration {
        let chance = shop.faults.chance
        return chance.duration(milliseconds: chance.happens(Self.longAbsences) ? Self.longAbsence : usual)
    }
}
