// SPDX-License-Identifier: MPL-2.0

// The series of a page, served by Go's client library from descriptor 3: scrape_server PAGE_FILE
package main

import (
	"bufio"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// a="1",b="2"; no text in it has a quote or a comma.
func readLabels(text string) (names []string, labels prometheus.Labels) {
	labels = prometheus.Labels{}
	for _, pair := range strings.Split(text, ",") {
		parts := strings.SplitN(pair, "=", 2)
		names = append(names, parts[0])
		labels[parts[0]] = strings.Trim(parts[1], "\"")
	}
	return names, labels
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	types, helps := map[string]string{}, map[string]string{}
	gauges, counters := map[string]*prometheus.GaugeVec{}, map[string]*prometheus.CounterVec{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if words := strings.SplitN(line, " ", 4); words[0] == "#" {
			if words[1] == "TYPE" {
				types[words[2]] = words[3]
			} else {
				helps[words[2]] = words[3]
			}
			continue
		}
		start, end := strings.Index(line, "{"), strings.LastIndex(line, "}")
		name := line[:start]
		names, labels := readLabels(line[start+1 : end])
		value, err := strconv.ParseFloat(line[end+2:], 64)
		if err != nil {
			log.Fatal(err)
		}
		if types[name] == "counter" {
			if counters[name] == nil {
				counters[name] = prometheus.NewCounterVec(
					prometheus.CounterOpts{Name: name, Help: helps[name]}, names)
				registry.MustRegister(counters[name])
			}
			counters[name].With(labels).Add(value)
		} else {
			if gauges[name] == nil {
				gauges[name] = prometheus.NewGaugeVec(
					prometheus.GaugeOpts{Name: name, Help: helps[name]}, names)
				registry.MustRegister(gauges[name])
			}
			gauges[name].With(labels).Set(value)
		}
	}
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		log.Fatal(err)
	}
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	log.Fatal(http.Serve(listener, handler))
}
