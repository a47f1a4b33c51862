def test_boots(lab):
    d = lab.dut("board0")
    lab.dut("raw1")
    import time
    from labkit.process import run
    print(run("nmcli","device"), run("ip","addr"))
    time.sleep(2)
    print(lab.unchanged())
